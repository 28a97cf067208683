import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the licence in package.json is the one in LICENSE", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { license: string };
  const text = readFileSync("LICENSE", "utf8");
  expect(manifest.license).toBe("Apache-2.0");
  expect(text).toContain("Apache License");
  expect(text).toContain("Version 2.0, January 2004");
  expect(text.length).toBeGreaterThan(11_000);
});
