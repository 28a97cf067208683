import type { parse } from "unbash";

/** A script as the parser gives it, with its errors (the parser exports the type only through `parse`). */
export type ParsedScript = ReturnType<typeof parse>;
