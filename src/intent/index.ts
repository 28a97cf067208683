/**
 * intent: why a command runs, as far as anybody said so.
 * Goes in: the request and the text that would run. Comes out: one `Intent`, or undefined; later, what the agent's own transcript
 * says (`lookUp`), because some write it only when the command has ended.
 * What holds: the first source that says something wins; whatever it says was written by the agent (`trust: "agent"`) and
 * is for the record and for people who are asked, never a reason to loosen a decision (I5). Bounded and escaped; `findIntent` is
 * pure, `lookUp` reads files and is for after the verdict.
 */
import { escapeText, LIMITS, type Intent, type Request } from "../model/index.ts";

export { hasTranscripts, inspectTranscripts, lookUp, type Asked, type Found, type Lookup } from "./lookup.ts";

/** Of a comment, only what stands before the first command counts; a first line `#!…` may stand before it. */
const LEADING_COMMENT = /^(?:#![^\n]*\n)?\s*#[ \t]*why:([^\n]*)/i;

/**
 * In: the request, and the exact text that would run ("" when unknown). Out: the intent: the variable `VETSH_INTENT` of the
 * request's environment, else a leading comment `# why: …`; undefined when both say nothing. At most
 * `LIMITS.intentLength` UTF-16 code units, on one line, with every character that is not plainly visible spelt out.
 */
export function findIntent(request: Request, text: string): Intent | undefined {
  return intent(request.env.get("VETSH_INTENT"), "env") ?? intent(LEADING_COMMENT.exec(text.slice(0, LIMITS.intentSearch))?.[1], "comment");
}

function intent(said: string | undefined, source: Intent["source"]): Intent | undefined {
  const text = said?.trim() ?? "";
  return text === "" ? undefined : { text: escapeText(text, { maxLength: LIMITS.intentLength }), source, trust: "agent" };
}
