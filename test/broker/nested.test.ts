import { describe, expect, test } from "vitest";
import { decideNested, isWithin, originOf, RunningCommands, type RunningCommand } from "../../src/broker/nested.ts";
import { OpenVisit } from "../../src/broker/visit.ts";
import { VERDICTS, type Claim, type Evaluation, type Outcome, type Verdict } from "../../src/model/index.ts";

const readOnly: Claim = { sandbox: "read-only", writable: [], network: [], secrets: [], privileged: false };
const workspace: Claim = { ...readOnly, sandbox: "workspace" };
const around = (claim: Claim, confined = true): RunningCommand => ({ id: "outer", pid: 1, claim, source: "rule", confined });
const evaluation = (verdict: Verdict, claim: Claim): Evaluation => ({ verdict, claim, matches: [], policy: "p" });

describe("where a request comes from", () => {
  const running = new RunningCommands();
  const confined = running.add(around(workspace));
  const bare = running.add(around(workspace, false));

  test("the socket decides, the token names", () => {
    expect(originOf("outer", undefined, running)).toEqual({ kind: "outer" });
    expect(originOf("outer", confined, running)).toEqual({ kind: "outer" });
    expect(originOf("outer", "made-up", running)).toEqual({ kind: "outer" });
    expect(originOf("inner", undefined, running)).toEqual({ kind: "nested", around: undefined });
    expect(originOf("inner", "made-up", running)).toEqual({ kind: "nested", around: undefined });
    expect(originOf("inner", confined, running)).toMatchObject({ kind: "nested", around: { id: "outer" } });
    expect(originOf("outer", bare, running)).toMatchObject({ kind: "nested", around: { confined: false } });
  });

  test("a token is worth nothing once its command has ended", () => {
    running.remove(bare);
    expect(originOf("outer", bare, running)).toEqual({ kind: "outer" });
  });
});

describe("a shell inside a running command", () => {
  test.each([
    ["deny", around(workspace), "refuse"], ["deny", undefined, "refuse"],
    ["allow", around(workspace), "run"], ["allow", undefined, "run"],
    ["review", around(workspace), "run"], ["review", around(readOnly), "run"], ["review", undefined, "refuse"],
    ["ask", around(workspace), "run"], ["ask", around(readOnly), "refuse"], ["ask", undefined, "refuse"],
  ] as const)("%s, inside %j: %s", (verdict, outer, final) => {
    expect(decideNested(evaluation(verdict, workspace), outer, false).final).toBe(final);
  });

  test.each([
    ["ask", around(readOnly), "run"], ["review", undefined, "run"], ["ask", undefined, "run"], ["deny", around(readOnly), "refuse"], ["ask", around(readOnly, false), "refuse"],
  ] as const)("a script, %s, inside %j: %s", (verdict, outer, final) => {
    expect(decideNested(evaluation(verdict, workspace), outer, true).final).toBe(final);
  });

  test("is never looser than a deny, whatever is around it", () => {
    for (const script of [true, false]) for (const claim of [readOnly, workspace, { ...workspace, sandbox: "none" as const, privileged: true }]) expect(decideNested(evaluation("deny", readOnly), around(claim), script).final).toBe("refuse");
    expect(VERDICTS).toHaveLength(4);
  });
});

describe("a claim within another", () => {
  const custom = (...writable: string[]): Claim => ({ ...workspace, sandbox: "custom", writable });
  test.each([
    [readOnly, readOnly, true], [readOnly, workspace, true], [workspace, readOnly, false],
    [custom("/a/b"), custom("/a"), true], [custom("/ab"), custom("/a"), false], [custom("/a"), workspace, false],
    [{ ...workspace, network: ["x"] }, { ...workspace, network: ["x", "y"] }, true], [{ ...workspace, network: ["z"] }, { ...workspace, network: ["x"] }, false],
    [{ ...workspace, network: "any" }, { ...workspace, network: ["x"] }, false], [{ ...workspace, network: "any" }, { ...workspace, network: "any" }, true],
    [{ ...readOnly, secrets: ["/s"] }, workspace, false], [{ ...readOnly, secrets: ["/s"] }, { ...workspace, secrets: ["/s"] }, true],
    [{ ...readOnly, privileged: true }, { ...workspace, sandbox: "none" }, false], [custom("/x"), { ...readOnly, privileged: true }, true],
  ] as readonly (readonly [Claim, Claim, boolean])[])("%j in %j: %s", (inner, outer, expected) => {
    expect(isWithin(inner, outer)).toBe(expected);
  });
});

describe("a visit ends once", () => {
  const usage = { wallUs: 0, userUs: 0, systemUs: 0, maxRssKb: 0 };
  const open = (): { visit: OpenVisit; ends: Outcome[]; started: number[] } => {
    const [ends, started]: [Outcome[], number[]] = [[], []];
    return { visit: new OpenVisit({ ended: (outcome) => ends.push(outcome), started: (pid) => started.push(pid) }), ends, started };
  };

  test("the first end counts", () => {
    const { visit, ends } = open();
    expect(visit.running()).toBe(true);
    visit.finished({ kind: "exited", code: 3, usage });
    visit.finished({ kind: "exited", code: 4, usage });
    visit.failed("x");
    visit.lost("x");
    visit.refused(126);
    expect(ends).toEqual([{ kind: "exited", code: 3, usage }]);
  });

  test("whatever is reported before RUN is no end, and keeps RUN from going out", () => {
    for (const report of ["finished", "failed", "lost"] as const) {
      const { visit, ends, started } = open();
      visit.started(7);
      if (report === "finished") visit.finished({ kind: "exited", code: 0, usage });
      else visit[report]("gone");
      expect(ends).toEqual([]);
      expect(visit.running()).toBe(false);
      visit.refused(126);
      expect([ends.map(({ kind }) => kind), started]).toEqual([["lost"], []]);
    }
  });
});
