/** A half-open piece `[start, end)` of a source text, in UTF-16 code units. */
export type Span = { readonly start: number; readonly end: number };

/** The grammar a text is read with. `dash` and `sh` are POSIX sh; bash grammar reads all, differences are flagged. */
export type Dialect = "bash" | "sh" | "dash" | "zsh";
export const DIALECTS: readonly Dialect[] = ["bash", "sh", "dash", "zsh"];

/** Something in a text that was not understood. Never dropped: it becomes an `opaque` effect. `syntax`: it breaks the grammar of the whole text, so that the shell stops there, too. */
export type Opaque = { readonly reason: string; readonly span: Span; readonly syntax?: true };
