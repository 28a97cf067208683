/** `[[network]]` rules: what they say of connections, what of lines, how tiers stack, what cannot be used. */
import { describe, expect, test } from "vitest";
import { compileRules, evaluate, judgeConnection, type Connection, type RuleLayer, type RuleSet } from "../../src/policy/index.ts";
import { defaults } from "./judge.ts";
import { analysis, effect, HOST, layer, rules } from "./support.ts";

const network = (id: string, body: string): string => `[[network]]\nid = "${id}"\n${body}\nreason = "${id}"\nmatch = ["a.example:443"]\nnot_match = ["b.example:443"]\n`;
const to = (text: string, more: Partial<Connection> = {}): Connection => {
  const [host = "", port = "443"] = text.split(":");
  return { host, port: Number(port), method: "CONNECT", beside: [], ...more };
};
const verdict = (set: RuleSet, connection: Connection): string => judgeConnection(connection, set, HOST).evaluation.verdict;
const user = (...bodies: readonly string[]): RuleLayer => layer("user", bodies.map((body, at) => network(`u${at}`, body)).join(""));

describe("connections", () => {
  test("one that no rule speaks about is reviewed, and claims its host alone", () => {
    const { evaluation } = judgeConnection(to("a.example"), rules(), HOST);
    expect(evaluation).toMatchObject({ verdict: "review", matches: [{ id: "no-rule" }], claim: { sandbox: "read-only", writable: [], network: ["a.example"], privileged: false } });
  });

  test.each<[string, string, Connection, string]>([
    ["exact", 'host = "a.example"\ndecision = "deny"', to("a.example"), "deny"],
    ["not a name below", 'host = "a.example"\ndecision = "deny"', to("x.a.example"), "review"],
    ["star: below", 'host = "*.a.example"\ndecision = "deny"', to("x.y.a.example"), "deny"],
    ["star: not itself, nor a name that ends alike", 'host = "*.a.example"\ndecision = "deny"', to("xa.example"), "review"],
    ["any", 'host = "*"\ndecision = "deny"', to("z.example:1"), "deny"],
    ["a literal address", 'host = "ip"\ndecision = "deny"', to("9.9.9.9"), "deny"],
    ["a name is no address", 'host = "ip"\ndecision = "deny"', to("a.example"), "review"],
    ["port", 'host = "*"\nport = [25, 26]\ndecision = "deny"', to("a.example:26"), "deny"],
    ["another port", 'host = "*"\nport = 25\ndecision = "deny"', to("a.example:27"), "review"],
    ["method", 'host = "a.example"\nmethod = "GET"\ndecision = "allow"', to("a.example:80", { method: "GET" }), "allow"],
    ["another method", 'host = "a.example"\nmethod = "GET"\ndecision = "allow"', to("a.example:80", { method: "POST" }), "review"],
    ["a tunnel is no GET", 'host = "a.example"\nmethod = "GET"\ndecision = "allow"', to("a.example:80"), "review"],
    ["beside", 'host = "cdn.example"\nbeside = "a.example"\ndecision = "allow"', to("cdn.example", { beside: ["a.example:443"] }), "allow"],
    ["beside another", 'host = "cdn.example"\nbeside = "a.example"\ndecision = "allow"', to("cdn.example", { beside: ["b.example"] }), "review"],
    ["beside nothing", 'host = "cdn.example"\nbeside = "a.example"\ndecision = "allow"', to("cdn.example"), "review"],
  ])("%s", (_, body, connection, expected) => {
    expect(verdict(rules(user(body)), connection)).toBe(expected);
  });

  test("deny wins over an allow of the same tier, whatever their order", () => {
    expect(verdict(rules(user('host = "*.example"\ndecision = "allow"', 'host = "a.example"\ndecision = "deny"')), to("a.example"))).toBe("deny");
    expect(verdict(rules(user('host = "a.example"\ndecision = "deny"', 'host = "*.example"\ndecision = "allow"')), to("a.example"))).toBe("deny");
  });

  test("tiers: a user lifts what is built in, not what is managed; an untrusted workspace lifts nothing and tightens", () => {
    const builtIn = layer("built-in", network("mail", 'host = "*"\nport = 25\ndecision = "ask"'));
    const managed = (decision: string): RuleLayer => layer("managed", network("m", `host = "a.example"\ndecision = "${decision}"`));
    const allow = 'host = "a.example"\ndecision = "allow"';
    expect(verdict(rules(builtIn), to("a.example:25"))).toBe("ask");
    expect(verdict(rules(builtIn, user(allow)), to("a.example:25"))).toBe("allow");
    for (const decision of ["review", "ask", "deny"]) {
      expect(verdict(rules(builtIn, user(allow), managed(decision)), to("a.example"))).toBe(decision);
      expect(verdict(rules(builtIn, layer("user", network("u0", `${allow}\noverrides = ["m"]`)), managed(decision)), to("a.example"))).toBe(decision);
    }
    expect(verdict(rules(builtIn, layer("workspace", network("w", allow), { mayLoosen: false })), to("a.example:25"))).toBe("ask");
    expect(verdict(rules(user(allow), layer("workspace", network("w", 'host = "a.example"\ndecision = "deny"'), { mayLoosen: false })), to("a.example"))).toBe("deny");
    expect(verdict(rules(layer("built-in", network("b", 'host = "a.example"\ndecision = "deny"')), user(allow)), to("a.example"))).toBe("deny");
    expect(verdict(rules(layer("built-in", network("b", 'host = "a.example"\ndecision = "deny"')), layer("user", network("u0", `${allow}\noverrides = ["b"]`))), to("a.example"))).toBe("allow");
  });

  test("rules about lines say nothing about connections", () => {
    const line = layer("user", '[[rule]]\nid = "x"\nwhen = { effect = "network", host = "a.example" }\ndecision = "allow"\nreason = "x"\nmatch = ["x"]\nnot_match = ["y"]\n');
    expect(verdict(rules(line), to("a.example"))).toBe("review");
  });

  test("addresses that a rule names stand beside the host", () => {
    expect(judgeConnection(to("a.example"), rules(user('host = "a.example"\naddresses = ["10.0.0.0/8"]\ndecision = "allow"')), HOST).evaluation.claim.network).toEqual(["a.example", "10.0.0.0/8"]);
  });

  test("a file that cannot be used makes connections stricter too", () => {
    expect(verdict(compileRules([layer("user", '[[network]]\nid = "x"\n')]), to("a.example"))).toBe("ask");
    expect(verdict(compileRules([layer("managed", '[[network]]\nid = "x"\n')]), to("a.example"))).toBe("deny");
  });
});

describe("lines", () => {
  const said = (set: RuleSet, host: string | undefined, port?: number): string => evaluate(analysis([effect({ kind: "network", host, port, direction: "out", loopback: false, sends: false })]), set, HOST).verdict;

  test("a rule about a host is also about lines that name it, unless it asks what a line does not say", () => {
    const set = rules(user('host = "a.example"\ndecision = "allow"', 'host = "b.example"\ndecision = "deny"', 'host = "c.example"\nmethod = "GET"\ndecision = "allow"', 'host = "d.example"\nport = 443\ndecision = "allow"', 'host = "e.example"\nbeside = "a.example"\ndecision = "allow"'));
    expect([said(set, "a.example"), said(set, "b.example"), said(set, "c.example"), said(set, "d.example"), said(set, "d.example", 443), said(set, "e.example"), said(set, undefined)]).toEqual(["allow", "deny", "review", "review", "allow", "review", "review"]);
  });
});

describe("what cannot be used", () => {
  test.each<[string, string, string, string]>([
    ["no host", 'decision = "deny"', "`host` is missing", "write `host ="],
    ["a port in the host", 'host = "a.example:8443"\ndecision = "deny"', "has a port", 'write `host = "a.example"` and `port = 8443`'],
    ["a scheme", 'host = "https://a.example"\ndecision = "deny"', "is not a host pattern", "no scheme"],
    ["a star inside", 'host = "a.*.example"\ndecision = "deny"', "is not a host pattern", "`*.example.org`"],
    ["allowing everything", 'host = "*"\ndecision = "allow"', "must name its hosts", "write `host ="],
    ["a misspelt key", 'host = "a.example"\nports = 1\ndecision = "deny"', "unknown key `ports`", "known keys: id, host, port"],
    ["a port that is none", 'host = "a.example"\nport = 70000\ndecision = "deny"', "not a port number", "write `port = 80`"],
    ["a method that is none", 'host = "a.example"\nmethod = "get"\ndecision = "deny"', "is no method", "`CONNECT` stands for"],
    ["addresses on a deny", 'host = "a.example"\naddresses = ["10.0.0.1"]\ndecision = "deny"', "belongs to a rule that allows", "remove `addresses`"],
    ["an address that is none", 'host = "a.example"\naddresses = ["a.example"]\ndecision = "allow"', "is no address", "10.0.0.0/8"],
    ["an override of nothing", 'host = "a.example"\noverrides = ["gone"]\ndecision = "allow"', "does not exist", "vetsh check"],
    ["an unknown host", 'host = "unknown"\ndecision = "deny"', "always has a host", '`host = "*"`'],
  ])("%s", (_, body, message, hint) => {
    const [problem] = compileRules([layer("user", `# one\n\n${network("x", body)}`)]).problems;
    expect(problem).toMatchObject({ tier: "user", file: "user.toml", line: 3 });
    expect(problem?.message).toContain(message);
    expect(problem?.hint).toContain(hint);
  });

  test("an example that is no connection, none at all, an id that exists, a table that is none", () => {
    const problems = (text: string): readonly string[] => compileRules([layer("user", text)]).problems.map(({ line, message }) => `${line}: ${message}`);
    expect(problems('[[network]]\nid = "x"\nhost = "a.example"\ndecision = "deny"\nreason = "x"\nmatch = ["curl a.example"]\nnot_match = ["b.example:1"]\n')).toEqual(["1: `curl a.example` in `match` is no connection"]);
    expect(problems('[[network]]\nid = "x"\nhost = "a.example"\ndecision = "deny"\nreason = "x"\nmatch = ["a.example:1"]\n')).toEqual(["1: the rule has no `not_match` example"]);
    expect(problems(`${network("x", 'host = "a.example"\ndecision = "deny"')}${network("x", 'host = "a.example"\ndecision = "deny"')}`)).toEqual(["8: a rule `x` exists already (user.toml:1)"]);
    expect(problems('network = "x"\n')).toEqual(["1: `network` is not a list of tables"]);
  });
});

test("the default rules about connections", () => {
  const { rules: set } = defaults().loaded;
  expect(set.connections.rules.length).toBeGreaterThan(3);
  expect([to("a.example"), to("a.example:25"), to("a.example:22"), to("0x0.st"), to("a.example:80", { method: "GET" }), to("a.example:80", { method: "POST" })].map((one) => verdict(set, one))).toEqual(["review", "ask", "ask", "ask", "review", "ask"]);
});
