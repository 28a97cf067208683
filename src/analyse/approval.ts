import type { Span } from "../model/index.ts";
import type { Context } from "./context.ts";

/**
 * Words of a line that are about its own approval, not about what it does: `# approved by the user`, `./safe-to-run.sh`.
 * SECURITY: whoever reads the line next may be a model; only a person can say yes (I4, I5), so these go to one.
 */
const BY_WHOM = String.raw`(?:pre|user|human|admin|security|owner|operator|team|ops)[-_. ]?(?:approved|authori[sz]ed|cleared|vetted|verified|sanctioned)`;
const SAID = String.raw`(?:approved|authori[sz]ed|cleared|vetted|verified|trusted|sanctioned|permitted|signed[-_ ]off)[-_. ]?by(?![a-z])`;
const SAFE = String.raw`safe[-_. ]?to[-_. ]?(?:run|execute|allow)|(?:known|verified)[-_. ]?safe|no[-_. ]?(?:approval|review)[-_. ]?(?:is[-_. ])?(?:needed|required)`;
const NAME = new RegExp(`(?:^|[^a-z])(?:${BY_WHOM}|${SAID}|${SAFE})`, "i");
const COMMENT = new RegExp(String.raw`(?:^|\s)#[^\n]*?(?:\b(?:${BY_WHOM}|${SAID}|${SAFE})|\b(?:reviewer|guard|classifier|assistant|model)\s*[:,]|\b(?:user|human|owner|admin|maintainer)\s+(?:has\s+)?(?:said|says|told|confirmed|allowed|allows|agreed|okayed)\b|\b(?:has|have|was|is|been)\s+(?:approved|authori[sz]ed)|\bignore\s+(?:all\s+|any\s+)?(?:previous|prior|above)\b)`, "i");

/** In: the file that a line runs. */
export function claimInName(path: string, span: Span, context: Context): void {
  if (NAME.test(path.slice(path.lastIndexOf("/") + 1))) context.opaque("the name of what is run says that it was approved, which only a person can", span, "text/approval");
}

/** In: the text of a line. Here-documents are data, and hold comments of other languages. */
export function claimInComment(text: string, span: Span, context: Context): void {
  if (text.includes("#") && !text.includes("<<") && COMMENT.test(text)) context.opaque("a comment says that the line was approved, which only a person can", span, "text/approval");
}
