/**
 * Puts each program into one file and what it loads later into few, so that a start reads these instead of hundreds (the
 * broker: about 70 ms of processor time instead of 250). OpenTelemetry, the reviewer's client and the terminal stay apart.
 * usage: node scripts/bundle.ts [DIRECTORY THAT HOLDS dist AND node_modules]
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

const EXTERNAL = [/^openai(\/|$)/, /^@opentelemetry\//, /^node-pty(\/|$)/, /^@xterm\//];

/** In: a program's file (TypeScript or JavaScript), and the directory where its `main.js` shall be. Other files of that directory stay. */
export async function bundleProgram(entry: string, directory: string): Promise<void> {
  if (!existsSync(entry)) throw new Error(`\`${entry}\` is missing: compile first`);
  mkdirSync(directory, { recursive: true });
  const scratch = mkdtempSync(join(directory, ".bundle-"));
  try {
    const bundle = await rolldown({ input: entry, platform: "node", external: EXTERNAL, logLevel: "warn" });
    // What is loaded later lies beside the program: a module may ask where it is.
    await bundle.write({ dir: scratch, format: "esm", entryFileNames: "main.js", chunkFileNames: "chunk-[name]-[hash].js" });
    await bundle.close();
    cpSync(scratch, directory, { recursive: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const home = resolve(process.argv[2] ?? join(import.meta.dirname, ".."));
  for (const program of ["dist/broker", "dist/cli"]) await bundleProgram(join(home, program, "main.js"), join(home, program));
}
