/**
 * analyse: a small abstract interpreter over the command tree.
 * In: an `Invocation` (what a shell was started with), `Facts` about the world, command `Specs`.
 * Out: an `Analysis`: every effect of the line with the piece of source that causes it.
 * What holds: words are finite sets of strings or unknown; what is not known in command position, as code or as
 * deletion target is an `opaque` effect; options and subcommands that no spec names are opaque; every loop and
 * recursion has a limit in model/limits.ts, and reaching one is opaque. Pure: no clock, no files, no environment.
 */
export { analyse, analyseText, inheritedEffects } from "./analyse.ts";
export { compileSpecs } from "./specs/compile.ts";
export { SpecError, type Specs } from "./specs/types.ts";
export { classesOf } from "./classes.ts";
export { ARTEFACTS } from "./path-table.ts";
