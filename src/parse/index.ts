/**
 * parse: shell source and shell argv → our command tree. Goes in: text and its dialect; the argv of a shell.
 * Comes out: `Script` (every command bash would run is a node, or an entry in `Script.opaque`), `Invocation`.
 * What holds: nothing here throws or executes; limits end in opaque; a literal's value is exactly what bash makes of it;
 * spans index `Script.source` in UTF-16 code units. This folder is the only importer of unbash; its residue guard
 * accounts for each opener in the raw text, because no parser shows every command that bash would run.
 */
export { parseScript } from "./script.ts";
export { simpleCommands } from "./simple-commands.ts";
export { isComplete } from "./complete.ts";
export { readInvocation } from "./invocation.ts";
