import { posix } from "node:path";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { imports, packageOf, roomOf, sources } from "./sources.ts";

type Room = { readonly name: string; readonly mayImport: readonly string[]; readonly packages: readonly string[] };

/** The table of docs/architecture.md is the law: rooms in order, what each may import, which packages are its alone. */
const rooms: readonly Room[] = readFileSync("docs/architecture.md", "utf8")
  .split("\n")
  .flatMap((line) => {
    const cells = /^\| `([a-z]+)` \|(.*)\|(.*)\|([^|]*)\|$/.exec(line);
    return cells === null ? [] : [{ name: cells[1] ?? "", into: cells[3] ?? "", may: (cells[4] ?? "").trim() }];
  })
  .map(({ name, into, may }, at, all) => ({
    name,
    mayImport: may === "nothing" ? [] : may === "all above" ? all.slice(0, at).map((room) => room.name) : may.split(", "),
    packages: (/Only importer of ([^|]*)/.exec(into)?.[1] ?? "").split(" and ").map((each) => each.replaceAll(/[`.]/g, "").trim()).filter((each) => each !== ""),
  }));

const files = sources("src", /\.ts$/);

/** Validation and quoting are tools of every boundary; everything else has one home. */
const SHARED_PACKAGES = ["zod"];
const PURE_ROOMS = ["model", "parse", "analyse", "policy", "decide"];
const PURE_FILES = ["src/sandbox/plan.ts"];
const IMPURE_GLOBALS = /(?<![.\w])(?:process\.\w|Date\.now|new Date\b|performance\.|setTimeout\(|setInterval\(|setImmediate\(|fetch\(|Math\.random|globalThis\b)/;

describe("rooms", () => {
  test("the table and the folders are the same", () => {
    const folders = [...new Set(files.map((file) => roomOf(file.path)))].toSorted();
    expect(rooms.length).toBeGreaterThan(10);
    expect(folders).toEqual(rooms.map((room) => room.name).toSorted());
    for (const room of rooms) for (const other of room.mayImport) expect(rooms.map((each) => each.name)).toContain(other);
  });

  test("each room imports only what the table lets it, and only through index.ts", () => {
    const wrong: string[] = [];
    let looked = 0;
    for (const file of files) {
      const room = rooms.find((each) => each.name === roomOf(file.path));
      for (const specifier of imports(file).filter((each) => each.startsWith("."))) {
        const target = posix.join(posix.dirname(file.path), specifier);
        const other = roomOf(target);
        looked += 1;
        if (!target.startsWith("src/")) wrong.push(`${file.path} leaves src: ${specifier}`);
        else if (other !== roomOf(file.path) && !room?.mayImport.includes(other)) wrong.push(`${file.path} may not import ${other}`);
        else if (other !== roomOf(file.path) && target !== `src/${other}/index.ts`) wrong.push(`${file.path} reaches into ${target}`);
      }
    }
    expect(looked).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });

  test("each package has one home", () => {
    const homes = new Map<string, Set<string>>();
    for (const file of files)
      for (const specifier of imports(file).filter((each) => !each.startsWith(".") && !each.startsWith("node:")))
        homes.set(packageOf(specifier), (homes.get(packageOf(specifier)) ?? new Set()).add(roomOf(file.path)));
    expect(homes.size).toBeGreaterThan(3);
    for (const [name, found] of homes) {
      if (SHARED_PACKAGES.includes(name)) continue;
      expect([...found], `${name} is imported by several rooms`).toHaveLength(1);
      const owner = rooms.find((room) => room.packages.some((each) => name === each || (each.startsWith("@") && name.startsWith(`${each}/`))));
      if (owner !== undefined) expect([...found], name).toEqual([owner.name]);
    }
    for (const room of rooms) for (const name of room.packages) expect([...homes.keys()].some((each) => each === name || each.startsWith(`${name}/`)), `${room.name} imports ${name}`).toBe(true);
  });

  test("pure rooms import nothing of the machine and read neither clock, environment nor files", () => {
    const pure = files.filter((file) => PURE_ROOMS.includes(roomOf(file.path)) || PURE_FILES.includes(file.path));
    expect(pure.length).toBeGreaterThan(40);
    const wrong = pure.flatMap((file) => {
      const node = imports(file).filter((each) => each.startsWith("node:"));
      const code = file.text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "").replace(/(["'`])(?:\\.|(?!\1)[^\\\n])*\1/g, '""');
      const impure = IMPURE_GLOBALS.exec(code);
      return [...node.map((each) => `${file.path} imports ${each}`), ...(impure === null ? [] : [`${file.path} uses ${impure[0]}`])];
    });
    expect(wrong).toEqual([]);
  });

  test("each room's index.ts opens by saying what goes in, what comes out, what holds", () => {
    expect(rooms.length).toBeGreaterThan(10);
    for (const room of rooms) {
      const index = files.find((file) => file.path === `src/${room.name}/index.ts`);
      expect(index, `src/${room.name}/index.ts`).toBeDefined();
      const opening = /^\/\*\*([\s\S]*?)\*\//.exec(index?.text ?? "")?.[1]?.split("\n") ?? [];
      expect(opening.length, `the opening comment of src/${room.name}/index.ts`).toBeGreaterThanOrEqual(4);
    }
  });
});
