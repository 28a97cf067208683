import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createGrants, decide, isGood, planHashOf, spendPermit } from "../../src/decide/index.ts";
import type { Permit, PlanParts, Ports, Proposal } from "../../src/decide/index.ts";
import type { Approval, Claim, Effect, Evaluation, PlanHash, Review, RuleMatch, Verdict } from "../../src/model/index.ts";

const CLAIM: Claim = { sandbox: "custom", writable: ["/home/dev/notes"], network: ["api.example.org"], secrets: ["/home/dev/.netrc"], privileged: true };
const EFFECT: Effect = { kind: "write", path: { path: "/home/dev/notes/a", zone: "home", flags: [] }, span: { start: 6, end: 15 }, sure: "certain", by: "coreutils/touch" };
const PARTS: PlanParts = { shell: "bash", argv: ["bash", "-c", "touch ~/notes/a"], script: undefined, cwd: "/home/dev/repo", workspace: "/home/dev/repo", environment: [["STAGE", "test"]], canonical: "touch /home/dev/notes/a", effects: [EFFECT], scripts: [], claim: CLAIM, policy: "p" };

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function match(verdict: Verdict, id = "home", more: Partial<RuleMatch> = {}): RuleMatch {
  return { id, tier: "built-in", file: "writes.toml", line: 3, verdict, reason: "writes in home", instead: undefined, effect: 0, hosts: [], ...more };
}

function proposal(verdict: Verdict, matches: readonly RuleMatch[] = [match(verdict)]): Proposal {
  const evaluation: Evaluation = { verdict, matches, claim: CLAIM, policy: "p" };
  return { requestId: "r1", planHash: planHashOf(PARTS, sha256), evaluation, effects: [EFFECT], analysis: { effects: [EFFECT], classes: [], commands: [], scripts: [], canonical: PARTS.canonical } };
}

function review(more: Partial<Review> = {}): Review {
  return { outcome: "allow", rationale: "fine", risk: "low", model: "m", startedAt: 1, ms: 1, error: undefined, usage: undefined, ...more };
}

function approval(more: Partial<Approval> = {}): Approval {
  return { id: "q1", outcome: "approved", channel: "control", by: "dev", message: undefined, startedAt: 1, ms: 1, ...more };
}

/** Ports that answer as told and count how often they were asked. */
function ports(answers: { readonly review?: Review | Error; readonly approve?: Approval | Error }): Ports & { readonly asked: string[] } {
  const asked: string[] = [];
  const answer = async <T>(name: string, value: T | Error): Promise<T> => {
    asked.push(name);
    if (value instanceof Error) throw value;
    return value;
  };
  const { review: reviewed, approve: approved } = answers;
  return {
    asked,
    grants: createGrants(() => 1_000),
    review: reviewed === undefined ? undefined : () => answer("review", reviewed),
    approve: approved === undefined ? undefined : () => answer("approve", approved),
  };
}

const NEVER = new AbortController().signal;

describe("who decides", () => {
  const yes = review();
  const ok = approval();
  test.each<readonly [string, Verdict, Parameters<typeof ports>[0], "run" | "refuse", string, readonly string[]]>([
    ["allow runs", "allow", {}, "run", "rule", []],
    ["deny refuses, whoever would say yes", "deny", { review: yes, approve: ok }, "refuse", "rule", []],
    ["review: the reviewer allows", "review", { review: yes, approve: ok }, "run", "reviewer", ["review"]],
    ["review: medium risk", "review", { review: review({ risk: "medium" }), approve: ok }, "run", "reviewer", ["review"]],
    ["review: the reviewer refuses", "review", { review: review({ outcome: "deny" }), approve: ok }, "refuse", "reviewer", ["review"]],
    ["review: the reviewer asks", "review", { review: review({ outcome: "ask" }), approve: ok }, "run", "human", ["review", "approve"]],
    ["review: an error is ask, whatever it says", "review", { review: review({ error: "timeout" }), approve: ok }, "run", "human", ["review", "approve"]],
    ["review: yes beside a high risk is ask", "review", { review: review({ risk: "high" }), approve: ok }, "run", "human", ["review", "approve"]],
    ["review: yes beside a critical risk is ask", "review", { review: review({ risk: "critical" }) }, "refuse", "fallback", ["review"]],
    ["review: yes beside an unknown risk is ask", "review", { review: review({ risk: "unknown" }) }, "refuse", "fallback", ["review"]],
    ["review: no reviewer is ask", "review", { approve: ok }, "run", "human", ["approve"]],
    ["review: a reviewer that throws is ask", "review", { review: new Error("x"), approve: ok }, "run", "human", ["review", "approve"]],
    ["review: nobody at all", "review", {}, "refuse", "fallback", []],
    ["ask: a human says yes", "ask", { review: yes, approve: ok }, "run", "human", ["approve"]],
    ["ask: a human says no", "ask", { approve: approval({ outcome: "denied" }) }, "refuse", "human", ["approve"]],
    ["ask: nobody answers", "ask", { approve: approval({ outcome: "pending" }) }, "refuse", "fallback", ["approve"]],
    ["ask: nobody can be asked", "ask", { review: yes }, "refuse", "fallback", []],
    ["ask: asking fails", "ask", { approve: new Error("x") }, "refuse", "fallback", ["approve"]],
  ])("%s", async (_what, verdict, answers, final, source, asked) => {
    const given = ports(answers);
    const { decision, permit } = await decide(proposal(verdict), given, NEVER);
    expect({ final: decision.final, source: decision.source, asked: given.asked }).toEqual({ final, source, asked });
    expect(permit === undefined).toBe(final === "refuse");
  });

  test("a port that throws at once is no answer either", async () => {
    const throwing = (): never => { throw new Error("x"); };
    const { decision } = await decide(proposal("review"), { grants: createGrants(() => 1), review: throwing, approve: throwing }, NEVER);
    expect(decision).toMatchObject({ final: "refuse", source: "fallback" });
  });

  test.each(["allow", "review", "ask", "deny"] as const)("nobody waits any more: %s refuses", async (verdict) => {
    const gone = new AbortController();
    gone.abort();
    const given = ports({ review: review(), approve: approval() });
    expect((await decide(proposal(verdict), given, gone.signal)).decision.final).toBe("refuse");
    expect(given.asked).toEqual([]);
  });

  test("an abort while asking refuses, also when the answer was yes", async () => {
    const gone = new AbortController();
    for (const verdict of ["review", "ask"] as const) {
      const answers: Ports = { grants: createGrants(() => 1), review: async () => { gone.abort(); return review(); }, approve: async () => { gone.abort(); return approval(); } };
      const ruling = await decide(proposal(verdict), answers, gone.signal);
      expect(ruling).toMatchObject({ decision: { final: "refuse", source: "fallback" }, permit: undefined });
    }
  });
});

describe("grants", () => {
  test("run exactly that plan, once", async () => {
    const given = ports({});
    const asked = proposal("ask");
    given.grants.add({ planHash: asked.planHash, id: "q1", by: "dev", expiresAt: 2_000, keep: "once" });
    expect((await decide(asked, given, NEVER)).decision).toMatchObject({ final: "run", source: "grant" });
    expect((await decide(asked, given, NEVER)).decision).toMatchObject({ final: "refuse" });
  });

  test("not another one", async () => {
    const given = ports({});
    given.grants.add({ planHash: planHashOf({ ...PARTS, cwd: "/home/dev" }, sha256), id: "q1", by: "dev", expiresAt: 2_000, keep: "once" });
    expect((await decide(proposal("ask"), given, NEVER)).decision.final).toBe("refuse");
  });

  test("never what is denied, and are not spent on it", async () => {
    const given = ports({});
    const denied = proposal("deny");
    given.grants.add({ planHash: denied.planHash, id: "q1", by: "dev", expiresAt: 2_000, keep: "once" });
    expect((await decide(denied, given, NEVER)).decision.final).toBe("refuse");
    expect(given.grants.list()).toHaveLength(1);
  });

  test("expire, are replaced, withdrawn and bounded", () => {
    let now = 0;
    const grants = createGrants(() => now, 2);
    const hash = (text: string): PlanHash => text as PlanHash;
    grants.add({ planHash: hash("a"), id: "1", by: "dev", expiresAt: 10, keep: "once" });
    now = 10;
    expect(grants.spend(hash("a"))).toBeUndefined();
    grants.add({ planHash: hash("b"), id: "2", by: "dev", expiresAt: 20, keep: "once" });
    grants.add({ planHash: hash("b"), id: "3", by: "dev", expiresAt: 20, keep: "once" });
    expect(grants.list().map(({ id }) => id)).toEqual(["3"]);
    expect([grants.revoke("3"), grants.revoke("3"), grants.spend(hash("b"))]).toEqual([true, false, undefined]);
    for (const name of ["c", "d", "e"]) grants.add({ planHash: hash(name), id: name, by: "dev", expiresAt: 20, keep: "once" });
    expect(grants.list().map(({ id }) => id)).toEqual(["d", "e"]);
  });
});

describe("permits", () => {
  const permitOf = async (verdict: Verdict, answers: Parameters<typeof ports>[0]): Promise<Permit> => {
    const { permit } = await decide(proposal(verdict), ports(answers), NEVER);
    if (permit === undefined) throw new Error("no permit");
    return permit;
  };

  test("carry the judged claim and are spent once", async () => {
    const permit = await permitOf("allow", {});
    expect(permit).toEqual({ requestId: "r1", planHash: planHashOf(PARTS, sha256), claim: CLAIM, source: "rule" });
    expect(isGood(permit)).toBe(true);
    expect(spendPermit(permit)).toBe(permit);
    expect(isGood(permit)).toBe(false);
    expect(() => spendPermit(permit)).toThrow("spent before");
  });

  test("cannot be forged or copied", async () => {
    const permit = await permitOf("allow", {});
    expect(() => spendPermit({ ...permit })).toThrow("forged");
    expect(() => { (permit as { source: string }).source = "human"; }).toThrow();
  });

  test("of a reviewer leave neither the sandbox nor open a secret", async () => {
    const permit = await permitOf("review", { review: review() });
    expect(permit.claim).toEqual({ ...CLAIM, privileged: false, secrets: [] });
  });

  test("of a human give what was asked", async () => {
    expect((await permitOf("ask", { approve: approval() })).claim).toEqual(CLAIM);
  });
});

describe("the plan's hash", () => {
  const base = planHashOf(PARTS, sha256);
  test.each<readonly [string, Partial<PlanParts>]>([
    ["another shell", { shell: "sh" }],
    ["other words", { argv: ["bash", "-c", "touch ~/notes/b"] }],
    ["the same text in other words", { argv: ["bash", "-c", "touch", "~/notes/a"] }],
    ["bytes that look alike as text", { argv: ["bash", "-c", new TextEncoder().encode("touch ~/notes/a")] }],
    ["a script on standard input", { script: "" }],
    ["another directory", { cwd: "/home/dev" }],
    ["another workspace", { workspace: "/home/dev" }],
    ["another value of a variable", { environment: [["STAGE", "live"]] }],
    ["one variable more", { environment: [["OTHER", "x"], ["STAGE", "test"]] }],
    ["another reading", { canonical: "touch /home/dev/notes/b" }],
    ["other effects", { effects: [] }],
    ["a script file that changed", { scripts: [{ path: "/x", sha256: "0" }] }],
    ["another claim", { claim: { ...CLAIM, network: "any" } }],
    ["another policy", { policy: "q" }],
  ])("changes with %s", (_what, change) => {
    expect(planHashOf({ ...PARTS, ...change }, sha256)).not.toBe(base);
  });

  test("is the same for the same plan", () => {
    expect(planHashOf({ ...PARTS, argv: [...PARTS.argv], claim: { privileged: true, secrets: CLAIM.secrets, network: CLAIM.network, writable: CLAIM.writable, sandbox: "custom" } }, sha256)).toBe(base);
    expect(base).toMatch(/^[0-9a-f]{64}$/);
  });
});
