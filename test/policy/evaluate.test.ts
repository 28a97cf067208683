import { describe, expect, test } from "vitest";
import type { Effect, EffectBody, Verdict } from "../../src/model/index.ts";
import { evaluate } from "../../src/policy/index.ts";
import type { RuleSet } from "../../src/policy/index.ts";
import { HOST, analysis, at, command, effect, layer, rule, rules } from "./support.ts";

const BUILT_IN = layer("built-in", [
  rule("read", 'when = { effect = "read" }\ndecision = "allow"'),
  rule("write-ws", 'when = { effect = "write", zone = "workspace", without = ["protected"] }\ndecision = "allow"'),
  rule("write-home", 'when = { effect = "write", zone = "home" }\ndecision = "review"'),
  rule("write-protected", 'when = { effect = "write", flags = ["protected"] }\ndecision = "ask"'),
  rule("net", 'when = { effect = "network", loopback = false }\ndecision = "review"'),
  rule("send", 'when = { effect = "network", sends = true, loopback = false }\ndecision = "ask"'),
  rule("secret", 'when = { effect = "secret" }\ndecision = "ask"'),
  rule("secret-out", 'when = [{ effect = "secret" }, { effect = "network", sends = true }]\ndecision = "deny"'),
  rule("hidden", 'when = { effect = "opaque", severity = "suspicious" }\ndecision = "deny"'),
  rule("wipe", 'when = { effect = "delete", flags = ["root"] }\ndecision = "deny"\nfixed = true'),
  rule("push", 'when = { effect = "remote", what = "push" }\ndecision = "ask"'),
].join("\n"));

const read = effect({ kind: "read", path: at("workspace", "/home/dev/repo/a") });
const writeHome = effect({ kind: "write", path: at("home", "/home/dev/notes/a") });
const writeRc = effect({ kind: "write", path: at("home", "/home/dev/.bashrc", "protected") });
const fetchApi = network({ host: "api.example.org" });
const sendApi = network({ host: "api.example.org", sends: true });
const sendEvil = network({ host: "evil.example", sends: true });
const secret = effect({ kind: "secret", path: at("home", "/home/dev/.netrc", "secret"), variable: undefined });
const hidden = effect({ kind: "opaque", reason: "decoded", severity: "suspicious" });
const wipe = effect({ kind: "delete", path: at("home", "/home/dev", "root"), recursive: true });
const push = effect({ kind: "remote", what: "push", target: "origin" }, "git/git");

function network(given: Partial<EffectBody & { kind: "network" }>): Effect {
  return effect({ kind: "network", host: undefined, port: undefined, direction: "out", loopback: false, sends: false, ...given });
}

function verdict(set: RuleSet, ...effects: readonly Effect[]): Verdict {
  return evaluate(analysis(effects), set, HOST).verdict;
}

describe("combining", () => {
  const set = rules(BUILT_IN);
  test.each<readonly [string, readonly Effect[], Verdict]>([
    ["nothing at all", [], "allow"],
    ["a read", [read], "allow"],
    ["the strictest effect counts", [read, writeHome], "review"],
    ["two rules on one effect: the stricter", [writeRc], "ask"],
    ["several effects for one rule", [secret, sendApi], "deny"],
    ["one of them alone", [secret, fetchApi], "ask"],
    ["an effect without a rule", [effect({ kind: "process", action: "signal", target: "1" })], "review"],
    ["an effect without a rule beside stricter ones", [effect({ kind: "process", action: "signal", target: "1" }), hidden], "deny"],
  ])("%s", (_what, effects, expected) => {
    expect(verdict(set, ...effects)).toBe(expected);
  });

  test("the evidence names every rule, its place and its effect, the weightiest first", () => {
    const result = evaluate(analysis([read, writeRc]), set, HOST);
    expect(result.matches).toEqual([
      { id: "write-protected", tier: "built-in", file: "built-in.toml", line: 25, verdict: "ask", reason: "write-protected", instead: undefined, effect: 1, hosts: [] },
      { id: "write-home", tier: "built-in", file: "built-in.toml", line: 17, verdict: "review", reason: "write-home", instead: undefined, effect: 1, hosts: [] },
      { id: "read", tier: "built-in", file: "built-in.toml", line: 1, verdict: "allow", reason: "read", instead: undefined, effect: 0, hosts: [] },
    ]);
  });

  test("no rules at all: nothing is allowed", () => {
    expect(verdict(rules(), read)).toBe("review");
  });
});

describe("loosening", () => {
  const user = (body: string): RuleSet => rules(BUILT_IN, layer("user", rule("mine", body)));
  test.each<readonly [string, string, readonly Effect[], Verdict]>([
    ["allow lifts a built-in review", 'when = { effect = "write", zone = "home" }\ndecision = "allow"', [writeHome], "allow"],
    ["of the effects it names and no other", 'when = { effect = "write", zone = "home" }\ndecision = "allow"', [writeHome, fetchApi], "review"],
    ["and of no other path", 'when = { effect = "write", path = "~/notes/**" }\ndecision = "allow"', [writeHome, effect({ kind: "write", path: at("home", "/home/dev/other") })], "review"],
    ["a protected path has to be named", 'when = { effect = "write", zone = "home" }\ndecision = "allow"', [writeRc], "ask"],
    ["by its flag", 'when = { effect = "write", flags = ["protected"] }\ndecision = "allow"', [writeRc], "allow"],
    ["or by its path", 'when = { effect = "write", path = "~/.bashrc" }\ndecision = "allow"', [writeRc], "allow"],
    ["allow lifts a built-in ask", 'when = { effect = "network", host = "api.example.org" }\ndecision = "allow"', [sendApi], "allow"],
    ["for that host only", 'when = { effect = "network", host = "api.example.org" }\ndecision = "allow"', [sendEvil], "ask"],
    ["not for one whose name only looks alike", 'when = { effect = "network", host = "*.example.org" }\ndecision = "allow"', [network({ host: "api.example.org.evil.example" })], "review"],
    ["nor for one that is not known", 'when = { effect = "network", host = "*.example.org" }\ndecision = "allow"', [network({})], "review"],
    ["a deny is not lifted by allow", 'when = { effect = "opaque" }\ndecision = "allow"', [hidden], "deny"],
    ["unless it is named", 'when = { effect = "opaque" }\ndecision = "allow"\noverrides = ["hidden"]', [hidden], "allow"],
    ["a fixed rule is not lifted even so", 'when = { effect = "delete", flags = ["root"] }\ndecision = "allow"\noverrides = ["wipe"]', [wipe], "deny"],
    ["ask instead of deny, by name", 'when = { effect = "opaque" }\ndecision = "ask"\noverrides = ["hidden"]', [hidden], "ask"],
    ["review of a wider thing does not loosen", 'when = { effect = "write" }\ndecision = "review"', [writeRc], "ask"],
    ["a rule of several effects is not lifted by allowing one of them", 'when = { effect = "network", host = "api.example.org" }\ndecision = "allow"', [secret, sendApi], "deny"],
    ["unless it is named", 'when = { effect = "network", host = "api.example.org" }\ndecision = "allow"\noverrides = ["secret-out"]', [secret, sendApi], "ask"],
    ["and every effect of one kind is covered", 'when = { effect = "network", host = "api.example.org" }\ndecision = "allow"\noverrides = ["secret-out"]', [secret, sendApi, sendEvil], "deny"],
    ["a rule may speak about what no rule did", 'when = { effect = "process", what = "signal" }\ndecision = "allow"', [effect({ kind: "process", action: "signal", target: "1" })], "allow"],
    ["a rule tightens", 'when = { effect = "read", path = "workspace/**" }\ndecision = "deny"', [read], "deny"],
  ])("%s", (_what, body, effects, expected) => {
    expect(verdict(user(body), ...effects)).toBe(expected);
  });

  test("a rule that was lifted is not among the evidence; the one that lifted it is", () => {
    const result = evaluate(analysis([writeHome]), user('when = { effect = "write", zone = "home" }\ndecision = "allow"'), HOST);
    expect(result.matches.map(({ id, tier }) => [id, tier])).toEqual([["mine", "user"]]);
  });
});

describe("tiers", () => {
  const allowHome = rule("loosen", 'when = { effect = "write", zone = "home" }\ndecision = "allow"');
  const askHome = rule("tighten", 'when = { effect = "write", zone = "home" }\ndecision = "ask"');
  const denyHome = rule("forbid", 'when = { effect = "write", zone = "home" }\ndecision = "deny"');
  const overriding = (id: string): string => rule("override", `when = { effect = "write", zone = "home" }\ndecision = "allow"\noverrides = ["${id}"]`);
  test.each<readonly [string, RuleSet, Verdict]>([
    ["a workspace nobody trusted cannot loosen", rules(BUILT_IN, layer("workspace", allowHome, { mayLoosen: false })), "review"],
    ["nor by naming a rule", rules(BUILT_IN, layer("workspace", overriding("write-home"), { mayLoosen: false })), "review"],
    ["but tighten", rules(BUILT_IN, layer("workspace", denyHome, { mayLoosen: false })), "deny"],
    ["a trusted one loosens what is built in", rules(BUILT_IN, layer("workspace", allowHome)), "allow"],
    ["but not what the user said", rules(BUILT_IN, layer("user", askHome), layer("workspace", allowHome)), "ask"],
    ["not even by name", rules(BUILT_IN, layer("user", askHome), layer("workspace", overriding("tighten"))), "ask"],
    ["a user's own strict rule wins over the user's allow", rules(BUILT_IN, layer("user", `${allowHome}\n${askHome}`)), "ask"],
    ["a user does not lift what managed policy says", rules(BUILT_IN, layer("user", overriding("forbid")), layer("managed", denyHome)), "deny"],
    ["managed policy lifts a user's rule by name", rules(BUILT_IN, layer("user", denyHome), layer("managed", overriding("forbid"))), "allow"],
    ["and only by name", rules(BUILT_IN, layer("user", askHome), layer("managed", allowHome)), "ask"],
  ])("%s", (_what, set, expected) => {
    expect(verdict(set, writeHome)).toBe(expected);
  });

  test("managed policy lifts a fixed rule by name", () => {
    const set = rules(BUILT_IN, layer("managed", rule("throw-away", 'when = { effect = "delete", flags = ["root"] }\ndecision = "allow"\noverrides = ["wipe"]')));
    expect(verdict(set, wipe)).toBe("allow");
  });

  test("an allow of an untrusted workspace does not even speak about an effect that no rule knows", () => {
    const set = rules(BUILT_IN, layer("workspace", rule("kill", 'when = { effect = "process" }\ndecision = "allow"'), { mayLoosen: false }));
    expect(verdict(set, effect({ kind: "process", action: "signal", target: "1" }))).toBe("review");
  });
});

describe("rules about commands", () => {
  const gitPush = command("git/git", "git", "push", "origin", "main");
  const deny = rules(BUILT_IN, layer("user", rule("no-push", 'command = ["git", "push"]\ndecision = "deny"')));
  const allow = rules(BUILT_IN, layer("user", rule("may-push", 'command = ["git", "push", "origin"]\ndecision = "allow"')));
  const set = (body: string): RuleSet => rules(BUILT_IN, layer("user", rule("mine", body)));
  const judge = (using: RuleSet, effects: readonly Effect[], ...commands: Parameters<typeof analysis>[1] & {}): Verdict => evaluate(analysis(effects, commands), using, HOST).verdict;

  test("a prefix", () => {
    expect(judge(deny, [push], gitPush)).toBe("deny");
    expect(judge(deny, [push], command("git/git", "/usr/bin/git", "push"))).toBe("deny");
    expect(judge(deny, [read], command("git/git", "git", "status"))).toBe("allow");
    expect(judge(deny, [read], command("git/git", "git"))).toBe("allow");
  });

  test("a word that is not known may be anything: at least asked", () => {
    expect(judge(deny, [read], command("git/git", "git", undefined))).toBe("ask");
    expect(judge(deny, [read], command(undefined, undefined, "push"))).toBe("ask");
    expect(judge(deny, [read], command("git/git", "git", "log", undefined))).toBe("allow");
  });

  test("globs, alternatives and an end", () => {
    expect(judge(set('command = [["npm", "run", "db:*"], ["make", "db-*"]]\ndecision = "ask"'), [read], command("npm/npm", "npm", "run", "db:reset"))).toBe("ask");
    expect(judge(set('command = [["npm", "run", "db:*"], ["make", "db-*"]]\ndecision = "ask"'), [read], command("npm/npm", "npm", "run", "build"))).toBe("allow");
    expect(judge(set('command = ["git", "push", "$"]\ndecision = "deny"'), [read], command("git/git", "git", "push"))).toBe("deny");
    expect(judge(set('command = ["git", "push", "$"]\ndecision = "deny"'), [read], gitPush)).toBe("allow");
  });

  test("allow covers what the command does", () => {
    expect(judge(allow, [push], gitPush)).toBe("allow");
  });

  test("and nothing else of the line", () => {
    expect(judge(allow, [push, writeHome], gitPush, command("coreutils/touch", "touch", "~/x"))).toBe("review");
    expect(judge(allow, [push, effect({ kind: "write", path: at("home", "/home/dev/x") }, "redirection")], gitPush)).toBe("review");
    expect(judge(allow, [push, effect({ kind: "exec", what: "program", name: "git core.sshCommand" }, "environment/GIT_SSH_COMMAND")], gitPush)).toBe("review");
  });

  test("nor another command of the same program", () => {
    expect(judge(allow, [push, push], gitPush, command("git/git", "git", "push", "elsewhere"))).toBe("ask");
  });

  test("nor a program of the same name from elsewhere", () => {
    const tool = rules(BUILT_IN, layer("user", rule("tool", 'command = ["frob"]\ndecision = "allow"')));
    const run = (name: string): Effect => effect({ kind: "exec", what: "program", name }, "shell/command");
    expect(judge(tool, [run("frob")], command(undefined, "frob", "x"))).toBe("allow");
    expect(judge(tool, [run("/tmp/frob")], command(undefined, "/tmp/frob", "x"))).toBe("review");
  });

  test("nor secrets, privilege, persistence or the unknown, unless they are named", () => {
    for (const body of [{ kind: "privilege", via: "sudo" }, { kind: "persist", via: "cron", path: undefined }, { kind: "secret", path: undefined, variable: "TOKEN" }, { kind: "opaque", reason: "x", severity: "unknown" }] as const) {
      expect(judge(allow, [effect(body, "git/git")], gitPush)).not.toBe("allow");
    }
    expect(judge(set('command = ["git", "push"]\nwhen = { effect = "secret" }\ndecision = "allow"'), [effect({ kind: "secret", path: undefined, variable: "TOKEN" }, "git/git")], gitPush)).toBe("allow");
  });
});

describe("without a sandbox", () => {
  const set = rules(BUILT_IN);
  const bare = { ...HOST, sandboxed: false };
  const inWorkspace = effect({ kind: "write", path: at("workspace", "/home/dev/repo/a") });
  test("a verdict that leaned on it becomes review, and says so", () => {
    const result = evaluate(analysis([read, inWorkspace]), set, bare);
    expect(result.verdict).toBe("review");
    expect(result.matches[0]).toMatchObject({ id: "no-sandbox", verdict: "review", effect: 1 });
  });
  test("a plain read stays", () => expect(evaluate(analysis([read]), set, bare).verdict).toBe("allow"));
  test("stricter verdicts stay", () => expect(evaluate(analysis([writeRc]), set, bare).verdict).toBe("ask"));
  test("an explicit setting accepts it", () => expect(evaluate(analysis([inWorkspace]), set, { ...bare, unconfined: "allow" }).verdict).toBe("allow"));
});

describe("claim", () => {
  const set = rules(BUILT_IN);
  const NONE = { sandbox: "read-only", writable: [], network: [], secrets: [], privileged: false };
  test.each<readonly [string, readonly EffectBody[], object]>([
    ["nothing", [], {}],
    ["reads", [read], {}],
    ["a workspace write", [{ kind: "write", path: at("workspace", "/home/dev/repo/a") }], { sandbox: "workspace" }],
    ["a scratch write", [{ kind: "write", path: at("tmp", "/tmp/a") }], { sandbox: "workspace" }],
    ["a write to nowhere", [{ kind: "write", path: at("null", "/dev/null") }], {}],
    ["an unknown target claims the workspace only", [{ kind: "write", path: at("unknown", undefined) }], { sandbox: "workspace" }],
    ["code", [{ kind: "exec", what: "workspace", name: "x" }], { sandbox: "workspace" }],
    ["what is not understood", [{ kind: "opaque", reason: "x", severity: "unknown" }], { sandbox: "workspace" }],
    ["code elsewhere", [{ kind: "exec", what: "remote", name: "x" }], {}],
    ["a path elsewhere", [writeHome], { sandbox: "custom", writable: ["/home/dev/notes/a"] }],
    ["a pattern elsewhere: the directory above it", [{ kind: "delete", path: at("home", "/home/dev/notes/*.md", "glob"), recursive: false }], { sandbox: "custom", writable: ["/home/dev/notes"] }],
    ["a protected path of the workspace is named", [{ kind: "write", path: at("workspace", "/home/dev/repo/.git/hooks/x", "protected") }], { sandbox: "custom", writable: ["/home/dev/repo/.git/hooks/x"] }],
    ["a host", [fetchApi], { network: ["api.example.org"] }],
    ["an unknown host", [fetchApi, network({})], { network: "any" }],
    ["this machine", [network({ host: "localhost", loopback: true })], { sandbox: "workspace", network: ["localhost"] }],
    ["this machine, for code: its sandbox has a loopback of its own", [network({ host: "localhost", loopback: true }), { kind: "exec", what: "workspace", name: "x" }], { sandbox: "workspace" }],
    ["listening", [network({ direction: "in" })], { network: "any" }],
    ["secrets", [secret, { kind: "secret", path: undefined, variable: "TOKEN" }], { secrets: ["/home/dev/.netrc", "$TOKEN"] }],
    ["privilege", [{ kind: "privilege", via: "sudo" }], { privileged: true }],
    ["a service", [{ kind: "process", action: "service", target: "nginx" }], { privileged: true }],
    ["a signal", [{ kind: "process", action: "signal", target: "1" }], { sandbox: "workspace" }],
    ["a look at processes: the session's jobs are in the workspace's sandbox", [{ kind: "process", action: "look", target: undefined }], { sandbox: "workspace" }],
    ["a device", [{ kind: "write", path: at("device", "/dev/sda") }], { privileged: true }],
  ])("%s", (_what, bodies, expected) => {
    expect(evaluate(analysis(bodies.map((body) => effect(body))), set, HOST).claim).toEqual({ ...NONE, ...expected });
  });

  test("hosts that an allowing rule opens stand in for one that is not known", () => {
    const opened = rules(BUILT_IN, layer("user", rule("registry", 'when = { effect = "network", by = "npm/*" }\ndecision = "allow"\nhosts = ["registry.example.org"]')));
    const fetch = effect({ kind: "network", host: undefined, port: undefined, direction: "out", loopback: false, sends: false }, "npm/npm");
    const result = evaluate(analysis([fetch]), opened, HOST);
    expect(result.verdict).toBe("allow");
    expect(result.claim.network).toEqual(["registry.example.org"]);
  });
});

describe("rules about commands, lifted by name", () => {
  const strictPush = layer("built-in", `${rule("read", 'when = { effect = "read" }\ndecision = "allow"')}\n${rule("any-push", 'command = ["git", "push"]\ndecision = "ask"')}`);
  const mine = layer("user", rule("my-push", 'command = ["git", "push", "origin"]\ndecision = "allow"\noverrides = ["any-push"]'));
  const judge = (...commands: readonly (readonly string[])[]): Verdict => evaluate(analysis([effect({ kind: "read", path: at("workspace", "/home/dev/repo/a") }, "git/git")], commands.map((words) => command("git/git", ...words))), rules(strictPush, mine), HOST).verdict;

  test("where it fits every command that the other fits", () => {
    expect(judge(["git", "push", "origin", "x"])).toBe("allow");
    expect(judge(["git", "push", "elsewhere"])).toBe("ask");
    expect(judge(["git", "push", "origin"], ["git", "push", "elsewhere"])).toBe("ask");
  });
});

test("a line with as many effects as there may be does not keep anybody waiting", () => {
  const set = rules(BUILT_IN, layer("user", rule("mine", 'when = { effect = "network", host = "unknown" }\ndecision = "allow"\nhosts = ["a.example"]')));
  const many = Array.from({ length: 5_000 }, () => network({}));
  const started = performance.now();
  expect(evaluate(analysis(many), set, HOST).verdict).toBe("allow");
  // Quadratic work would take minutes; the bound is only there to tell that from a slow machine.
  expect(performance.now() - started).toBeLessThan(5_000);
});
