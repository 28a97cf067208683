import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Rulebooks } from "../../src/broker/rulebook.ts";
import { judge } from "../../src/broker/pipeline.ts";
import { vet, type Ending, type InForce, type Subject } from "../../src/broker/index.ts";
import { LIMITS, nothingKnown, type Facts } from "../../src/model/index.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");
const HOST = { sandboxed: true, unconfined: undefined };
const subject: Subject = { id: "one", shell: "bash", argv: ["bash", "./x.sh"], tty: { stdin: false }, inherited: new Map(), unreadable: undefined };

let base: string;
let inForce: InForce;

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "vetsh-pipeline-"));
  const shells = { bash: "/b", sh: "/b", zsh: "/b", dash: "/b" };
  inForce = new Rulebooks({ version: 1, root: base, home: base, config: join(base, "config"), managed: join(base, "managed"), node: "/n", app: CHECKOUT, shells }, Date.now, () => undefined).base();
});

afterAll(() => rmSync(base, { recursive: true }));

/** The steps that were reached, in order; nobody permits anything. */
function steps(): { readonly reached: string[]; readonly ending: Ending<never, string> } {
  const reached: string[] = [];
  const ending: Ending<never, string> = {
    receive: ({ invocation }) => void reached.push(`receive ${invocation.mode}`),
    decide: async ({ evaluation, requestId }) => {
      reached.push("decide");
      const decision = { final: "refuse", reason: "a test", source: "rule", evaluation, review: undefined, approval: undefined, instead: undefined, span: undefined } as const;
      return { decision, permit: undefined, requestId };
    },
    plan: async () => { throw new Error("nothing was permitted"); },
    record: async () => { reached.push("record"); return "said"; },
  };
  return { reached, ending };
}

const facts = (more: Partial<Facts["files"]>): Facts => ({ cwd: "/w", workspace: "/w", home: "/h", env: new Map(), vetsh: ["/v"], files: { ...nothingKnown, ...more } });

test("a request is received before it is judged", async () => {
  const { reached, ending } = steps();
  expect(await vet(subject, facts({}), inForce, HOST, ending)).toBe("said");
  expect(reached).toEqual(["receive file", "decide", "record"]);
});

test("a request whose analysis fails was received, and nothing comes after that", async () => {
  const { reached, ending } = steps();
  const broken = facts({ readScript: () => { throw new Error("EIO"); } });
  await expect(vet(subject, broken, inForce, HOST, ending)).rejects.toThrow("EIO");
  expect(reached).toEqual(["receive file"]);
});

test("a request that cannot be received is not judged", async () => {
  const { reached, ending } = steps();
  const full = { ...ending, receive: () => { throw new Error("ENOSPC"); } };
  await expect(vet(subject, facts({}), inForce, HOST, full)).rejects.toThrow("ENOSPC");
  expect(reached).toEqual([]);
});

test.each([
  ["a spec that makes no sense", (app: string) => writeFileSync(join(app, "rules/specs/wrong.toml"), 'family = "wrong"\n[[command]]\nnames = 3\n'), /wrong\.toml/],
  ["no specs", (app: string) => rmSync(join(app, "rules/specs"), { recursive: true }), /describes no command/],
])("%s: nothing is judged without what commands do", (_, spoil, named) => {
  const app = mkdtempSync(join(base, "app-"));
  mkdirSync(join(app, "rules"), { recursive: true });
  for (const folder of ["policy", "specs", "places"]) cpSync(join(CHECKOUT, "rules", folder), join(app, "rules", folder), { recursive: true });
  const shells = { bash: "/b", sh: "/b", zsh: "/b", dash: "/b" };
  const open = (): Rulebooks => new Rulebooks({ version: 1, root: base, home: base, config: join(base, "config"), managed: join(base, "managed"), node: "/n", app, shells }, Date.now, () => undefined);
  expect(open().base().loaded.specs.length).toBeGreaterThan(10);
  spoil(app);
  expect(open).toThrow(named);
});

test.each([
  { what: "little", count: 3 },
  { what: "more than can be followed", count: LIMITS.effects + 1 },
])("what follows a text that did $what is judged", ({ count }) => {
  const prior = `touch ${Array.from({ length: count }, (_, at) => `n${at}`).join(" ")}\n`;
  const judged = judge({ ...subject, argv: ["bash", "-c", "rm -rf /h/kept; cat /h/.ssh/id_rsa"], prior }, facts({}), inForce, HOST);
  expect(judged.effects.length).toBeGreaterThan(0);
  expect(judged.evaluation.verdict).not.toBe("allow");
});

// Effects of a function stand where its body does, and there they are not new.
test.fails("a function that is called again is judged again", () => {
  const judged = judge({ ...subject, argv: ["bash", "-c", "f"], prior: "f() { rm -rf /h/kept; }\nf\n" }, facts({}), inForce, HOST);
  expect(judged.evaluation.verdict).not.toBe("allow");
});
