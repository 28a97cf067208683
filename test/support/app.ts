import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bundleProgram } from "../../scripts/bundle.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");

/** The application that installations of tests start: made from the sources as they are, by the same steps as an installation's. */
export const APP = join(CHECKOUT, "build/app");

/** Makes APP anew. Brokers of an earlier run that still load from the old one do not meet a half of each. */
export async function buildApp(): Promise<void> {
  mkdirSync(join(CHECKOUT, "build"), { recursive: true });
  const made = mkdtempSync(join(CHECKOUT, "build/.app-"));
  // Tests as root make installations of ordinary users, too.
  chmodSync(made, 0o755);
  for (const program of ["broker", "cli"]) await bundleProgram(join(CHECKOUT, "src", program, "main.ts"), join(made, "dist", program));
  mkdirSync(join(made, "dist/undo"));
  writeFileSync(join(made, "dist/undo/keeper.js"), `import ${JSON.stringify(join(CHECKOUT, "src/undo/keeper.ts"))};\n`);
  writeFileSync(join(made, "package.json"), '{ "type": "module" }\n');
  symlinkSync(join(CHECKOUT, "rules"), join(made, "rules"));
  execFileSync(process.execPath, [join(CHECKOUT, "scripts/compile-rules.ts"), made], { stdio: ["ignore", "ignore", "inherit"] });
  rmSync(`${APP}.old`, { recursive: true, force: true });
  try { renameSync(APP, `${APP}.old`); } catch { /* There was none. */ }
  renameSync(made, APP);
  rmSync(`${APP}.old`, { recursive: true, force: true });
}

/** Once before all tests. */
export default buildApp;
