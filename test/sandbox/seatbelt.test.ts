/** Seatbelt profiles as text: none can run here. Golden files are in test/sandbox/seatbelt; `vitest -u` writes them anew. */
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claim, DecisionSource } from "../../src/model/index.ts";
import { seatbelt, type LocalProxy, type Place, type Survey } from "../../src/sandbox/index.ts";

const claim: Claim = { sandbox: "workspace", writable: [], network: [], secrets: [], privileged: false };
const W = "/Users/Dev/w";
const survey: Survey = { workspace: W, git: { kind: "checkout", gitDir: `${W}/.git` }, protected: [`${W}/.git/hooks`, `${W}/.github/workflows`, `${W}/vendor/lib/.git/hooks`], watched: [], hidden: [{ path: "/Users/Dev/.ssh", kind: "directory" }, { path: "/Users/Dev/.netrc", kind: "file" }], replaced: [], kept: [], writable: [], secrets: [], refused: [], notes: [] };
const place: Place = { workspace: W, cwd: W, home: "/Users/Dev", root: "/Users/Dev/.vetsh", guarded: ["/Users/Dev/.config/vetsh"], sessionTmp: "/Users/Dev/.vetsh/state/tmp/s1", shell: "/bin/bash", shimSocket: "/Users/Dev/.vetsh/run/inner.sock", proxySocket: "open", environment: new Map([["GITHUB_TOKEN", "x"]]), inherit: { keep: [], drop: [] }, wasStopped: false, terminal: false, background: false, unconfined: false, withoutSandbox: "refuse", survey };
const proxy: LocalProxy = { port: 4711, token: "t0ken" };

type Change = { claim?: Partial<Claim>; place?: Partial<Place>; survey?: Partial<Survey>; source?: DecisionSource; proxy?: LocalProxy | "open" };
const make = (change: Change = {}) => seatbelt({ claim: { ...claim, ...change.claim }, source: change.source ?? "rule" }, { ...place, survey: { ...survey, ...change.survey }, ...change.place }, change.proxy ?? proxy);

/** A profile as nested lists; strings are `{ text }`. Throws where it does not end as it began. */
type Form = string | { readonly text: string } | readonly Form[];
function read(profile: string): readonly Form[] {
  const words = [...profile.matchAll(/"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+|\s+/gs)].map(([word]) => word);
  expect(words.join("")).toBe(profile);
  const stack: Form[][] = [[]];
  for (const word of words.filter((one) => one.trim() !== "")) {
    if (word === "(") stack.push([]);
    else if (word === ")") {
      const done = stack.pop() ?? [];
      if (stack.length === 0) throw new Error("one ) too many");
      stack.at(-1)?.push(done);
    } else stack.at(-1)?.push(word.startsWith("\"") ? { text: word.slice(1, -1).replace(/\\(.)/gs, "$1") } : word);
  }
  if (stack.length !== 1) throw new Error("one ( too many");
  return stack[0] ?? [];
}

/** What the rules of a profile say of an operation on a path: the last one that fits. Filters as the tests need them. */
function says(profile: string, operation: string, path: string): "allow" | "deny" {
  const fits = (filter: Form): boolean => {
    const [kind, value] = Array.isArray(filter) ? (filter as readonly Form[]) : [];
    const text = typeof value === "object" && "text" in value ? value.text : undefined;
    if (text === undefined) return false;
    return kind === "literal" ? path === text : kind === "subpath" ? path === text || path.startsWith(`${text}/`) : kind === "regex" && new RegExp(text).test(path);
  };
  let answer: "allow" | "deny" = "deny";
  for (const form of read(profile)) {
    if (!Array.isArray(form)) continue;
    const [action, ...rest] = form as readonly Form[];
    if (action !== "allow" && action !== "deny") continue;
    const operations = rest.filter((one) => typeof one === "string") as string[];
    const filters = rest.filter((one) => typeof one !== "string");
    const named = operations.some((one) => one === operation || one === "default" || (one.endsWith("*") && operation.startsWith(one.slice(0, -1))));
    if (named && (filters.length === 0 || filters.some(fits))) answer = action;
  }
  return answer;
}

const GOLDEN: readonly (readonly [string, Change])[] = [
  ["workspace", {}],
  ["read-only", { claim: { sandbox: "read-only" } }],
  ["hosts", { claim: { network: ["a.example"] } }],
  ["any-network-terminal", { claim: { network: "any" }, source: "human", place: { terminal: true } }],
  ["custom", { claim: { sandbox: "custom", writable: ["/opt/tool", `${W}/.vscode`], secrets: ["/Users/Dev/.netrc"] }, survey: { protected: [...survey.protected, `${W}/.vscode`], writable: [{ asked: "/opt/tool", real: "/opt/tool", kind: "directory" }, { asked: `${W}/.vscode`, real: `${W}/.vscode`, kind: "directory" }], secrets: [{ asked: "/Users/Dev/.netrc", real: "/Users/Dev/.netrc", kind: "file" }] } }],
];

test.each(GOLDEN)("%s: the text", async (name, change) => {
  await expect(make(change).profile).toMatchFileSnapshot(join(import.meta.dirname, "seatbelt", `${name}.sb`));
});

test("how it starts, and with what", () => {
  const made = make({ claim: { network: ["a.example"] } });
  expect(made).toMatchObject({
    argv: ["/usr/bin/sandbox-exec", "-p", made.profile, "--", "/bin/bash"], hosts: ["a.example"], unset: ["GITHUB_TOKEN"], missing: [],
    authority: { sandbox: "workspace", writable: [W, place.sessionTmp], network: ["a.example"] },
  });
  expect(made.set).toEqual(expect.arrayContaining(["VETSH_SANDBOX=workspace", `TMPDIR=${place.sessionTmp}`, "https_proxy=http://vetsh:t0ken@localhost:4711"]));
  expect(make({ claim: { sandbox: "read-only" } })).toMatchObject({ authority: { sandbox: "read-only", writable: [], network: [] }, set: ["VETSH_SANDBOX=read-only"], hosts: undefined });
});

describe("what the rules say", () => {
  const plain = make().profile;
  const custom = make(GOLDEN[4]![1]).profile;
  const reading = make({ claim: { sandbox: "read-only" } }).profile;
  test.each<[string, string, string, "allow" | "deny"]>([
    [plain, "file-write-create", `${W}/src/new`, "allow"], [plain, "file-write-create", `${W}.2`, "deny"], [plain, "file-write-data", "/Users/Dev/.zshrc", "deny"], [plain, "file-write-data", "/dev/null", "allow"],
    [plain, "file-write-data", `${W}/.git/index`, "allow"], [plain, "file-write-create", `${W}/.git/hooks/pre-commit`, "deny"], [plain, "file-write-data", `${W}/.git/config`, "deny"], [plain, "file-write-create", `${W}/.GIT/Hooks/x`, "deny"],
    [plain, "file-write-unlink", `${W}/.git`, "deny"], [plain, "file-write-unlink", `${W}/.git/index.lock`, "allow"], [plain, "file-write-unlink", `${W}/.github`, "deny"], [plain, "file-write-unlink", W, "deny"],
    [plain, "file-write-unlink", `${W}/vendor`, "deny"], [plain, "file-write-unlink", `${W}/vendor/lib`, "deny"], [plain, "file-write-create", `${W}/vendor/lib/new`, "allow"], [plain, "file-write-create", `${W}/vendor/lib/.git/hooks/x`, "deny"],
    [plain, "file-write-create", `${W}/.vscode`, "deny"], [plain, "file-write-create", `${W}/.VSCode/tasks.json`, "deny"], [plain, "file-write-create", `${W}/.vscode2`, "allow"], [plain, "file-write-create", `${W}/xvscode`, "allow"], [plain, "file-write-create", `${W}/.github/other`, "allow"],
    [plain, "file-read-data", "/Users/Dev/.ssh/id", "deny"], [plain, "file-read-data", "/Users/Dev/.aws/credentials", "deny"], [plain, "file-read-metadata", "/Users/Dev/Library/Keychains/login.keychain-db", "deny"], [plain, "file-read-data", "/etc/hosts", "allow"],
    [plain, "file-read-data", "/Users/Dev/.vetsh/state/journal", "deny"], [plain, "file-write-create", `${place.sessionTmp}/x`, "allow"], [plain, "file-write-data", "/Users/Dev/.vetsh/rules/x", "deny"], [plain, "network-outbound", "/x", "deny"],
    [custom, "file-write-data", `${W}/.vscode/tasks.json`, "allow"], [custom, "file-write-data", `${W}/.envrc`, "deny"], [custom, "file-write-create", "/opt/tool/x", "allow"], [custom, "file-read-data", "/Users/Dev/.netrc", "allow"], [custom, "file-read-data", "/Users/Dev/.ssh/id", "deny"],
    [reading, "file-write-create", `${W}/x`, "deny"], [reading, "file-write-create", `${place.sessionTmp}/x`, "deny"], [reading, "file-read-data", `${W}/x`, "allow"],
  ])("%#", (profile, operation, path, answer) => {
    expect(`${operation} ${path}: ${says(profile, operation, path)}`).toBe(`${operation} ${path}: ${answer}`);
  });
});

test("vetsh's own tmp can be read where it may be written, though its state cannot", () => {
  expect(says(make().profile, "file-read-data", `${place.sessionTmp}/x`)).toBe("allow");
});

describe("the network", () => {
  const outbound = (change: Change): readonly string[] => make(change).profile.split("\n").filter((line) => line.includes("remote ip") || line === "(allow network*)");
  test.each<[string, Change, readonly string[]]>([
    ["nothing", {}, []],
    ["hosts: the proxy's port alone", { claim: { network: ["a.example"] } }, ['(allow network-outbound (remote ip "localhost:4711"))']],
    ["any by a person", { claim: { network: "any" }, source: "human" }, ["(allow network-outbound (remote ip))"]],
    ["any by a reviewer: the proxy, which asks", { claim: { network: "any" }, source: "reviewer" }, ['(allow network-outbound (remote ip "localhost:4711"))']],
    ["hosts that settings do not filter", { claim: { network: ["a.example"] }, proxy: "open" }, ["(allow network-outbound (remote ip))"]],
    ["this machine's own ports", { claim: { network: ["localhost"] } }, []],
  ])("%s", (_, change, lines) => {
    expect(outbound(change)).toEqual(lines);
  });
});

test.each<[string, Change, string]>([
  ["no sandbox", { claim: { sandbox: "none" }, source: "human" }, "running without a sandbox"],
  ["a directory of the system", { claim: { sandbox: "custom", writable: ["/opt/homebrew"] }, survey: { writable: [{ asked: "/opt/homebrew", real: "/opt/homebrew", kind: "directory" }] } }, "directory of the system"],
  ["the home directory as workspace", { survey: { workspace: "/Users/Dev" } }, "home directory"],
  ["a name with a newline", { survey: { workspace: "/Users/Dev/a\nb" } }, "cannot be spelt"],
  ["a name that is no text", { survey: { protected: [`${W}/\ufffd`] } }, "cannot be spelt"],
])("%s: refused with the reason, and nothing to start", (_, change, reason) => {
  const made = make(change);
  expect(made).toMatchObject({ argv: [], profile: "", authority: { sandbox: "none", writable: [], network: [] } });
  expect(made.missing.join("; ")).toContain(reason);
});

test("whatever paths are called, the profile has the same rules, and each name comes out as it went in", () => {
  const part = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map((text) => text.replace(/[\p{Cc}/\ufffd]/gu, "_")).filter((text) => text !== "." && text !== ".." && text.isWellFormed());
  const nasty = fc.constantFrom('") (allow default) ("', "a\\", "(", ")", ";x", "'", "#", "$HOME", "[a-z]*", "^", "a|b", "{1}", "\\\")");
  const shape = (forms: readonly Form[]): unknown => forms.map((form) => (Array.isArray(form) ? shape(form as readonly Form[]) : typeof form === "string" ? form : "…"));
  const usual = shape(read(make().profile));
  fc.assert(fc.property(fc.oneof(part, nasty), (name) => {
    const workspace = `/Users/Dev/${name}/p`;
    const renamed = (path: string): string => path.replace(W, () => workspace);
    const made = make({ survey: { workspace, protected: survey.protected.map(renamed), git: { kind: "checkout", gitDir: `${workspace}/.git` } }, place: { workspace, cwd: workspace } });
    expect(made.missing).toEqual([]);
    expect((shape(read(made.profile)) as unknown[]).length).toBe((usual as unknown[]).length);
    expect(says(made.profile, "file-write-create", `${workspace}/x`)).toBe("allow");
    expect(says(made.profile, "file-write-create", `${workspace}/.git/hooks/x`)).toBe("deny");
    expect(says(made.profile, "file-write-create", `${workspace}/.vscode/x`)).toBe("deny");
    expect(says(made.profile, "file-write-create", "/Users/Dev/other")).toBe("deny");
  }), { numRuns: 30 });
});
