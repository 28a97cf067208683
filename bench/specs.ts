import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "toml";
import { compileSpecs, type Specs } from "../src/analyse/index.ts";

/** The spec files of this checkout, compiled. */
export function loadSpecs(): Specs {
  const folder = join(import.meta.dirname, "../rules/specs");
  return compileSpecs(readdirSync(folder).filter((file) => file.endsWith(".toml")).map((file) => ({ file, data: parse(readFileSync(join(folder, file), "utf8")) as unknown })));
}
