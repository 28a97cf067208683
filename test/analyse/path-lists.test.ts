import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIST, listsOfNames, listsOfPlace } from "../../src/analyse/path-lists.ts";
import { isWithin } from "../../src/model/index.ts";
import { ARTEFACTS, NOT_SECRET, PROTECTED, SECRETS } from "../../src/analyse/path-table.ts";

const TABLES = [["protected", PROTECTED], ["secret", SECRETS], ["shown", NOT_SECRET], ["artefact", ARTEFACTS]] as const;

const HOME = "/h";

/** What path-table.ts says of its patterns, as a regular expression for each: slow, and plain to read. */
const SLOW = TABLES.map(([name, table]) => {
  const one = (pattern: string): RegExp => new RegExp(`${/^[~/]/.test(pattern) ? "^" : "(?:^|/)"}${pattern.replace(/^~/, HOME).replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*")}(?:/|$)`);
  return { bit: LIST[name], patterns: [...table].map(one) };
});

/** What lies in anybody's home directory counts as what it would be in this one. */
function bitsOf(path: string): number {
  const other = /^(?:\/(?:home|Users)\/[^/]+|\/root)(?=\/|$)/.exec(path)?.[0];
  return bitsAt(path) | (other === undefined ? 0 : bitsAt(HOME + path.slice(other.length)));
}

function bitsAt(path: string): number {
  return SLOW.reduce((found, { bit, patterns }) => (patterns.some((pattern) => pattern.test(path)) ? found | bit : found), 0);
}

const git = (path: string): number => (path.split("/").includes(".git") ? LIST.git : 0);

describe("one walk over the names finds what the patterns say one by one", () => {
  const spelt = TABLES.flatMap(([, table]) => [...table] as string[]).flatMap((pattern) => {
    const plain = pattern.replaceAll("*", "x");
    return pattern.startsWith("~/") ? [plain.replace("~", HOME)] : pattern.startsWith("/") ? [plain] : [`/w/${plain}`];
  });
  test("every pattern of the tables, itself and a little beside it", () => {
    expect(spelt.length).toBeGreaterThan(250);
    for (const path of spelt) {
      expect(bitsOf(path), path).not.toBe(0);
      for (const near of [path, `${path}/below`, `${path}x`, `/h${path}`, path.replace(/\.(?=[^.]*$)/, ""), path.replace(/\/(?=[^/]*$)/, "/x"), path.slice(0, -1), path.slice(0, path.lastIndexOf("/"))])
        if (near !== "") expect(listsOfNames(near) | listsOfPlace(near, HOME), near).toBe(bitsOf(near) | git(near));
    }
  });
  test("paths put together at random", () => {
    const names = [...new Set([...spelt.flatMap((path) => path.split("/").slice(1)), "a", "..x", ".env", "env", ".pem", "x.pem", "x-cert.pem", "public.pem.x", "h", "etc", "proc", "1"])];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 5 }), (parts) => {
        const path = `/${parts.join("/")}`;
        expect(listsOfNames(path) | listsOfPlace(path, HOME)).toBe(bitsOf(path) | git(path));
      }),
      { numRuns: 2000, seed: 3 },
    );
  });
});

test.each([
  ["/a", "/a", true],
  ["/a/b", "/a", true],
  ["/ab", "/a", false],
  ["/a", "/a/b", false],
  ["/a", "/", true],
])("`%s` within `%s`: %s", (path, directory, within) => expect(isWithin(path, directory)).toBe(within));
