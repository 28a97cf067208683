import { escapeText, LIMITS } from "../model/index.ts";

/** What a client is told: `phrase` stands in a status line, `body` is text for whoever reads pages. */
export type Telling = { readonly phrase: string; readonly body: string };

/**
 * In: why something was not done, and what a person can do. Out: one line of plain ASCII, and the same with the hint on a line
 * of its own. Clients that show no pages (curl with CONNECT, git, npm) show the phrase.
 */
export function tell(reason: string, hint: string | undefined): Telling {
  const shown = escapeText(reason, { maxLength: LIMITS.shownReason });
  const advice = hint === undefined ? undefined : escapeText(hint, { maxLength: LIMITS.shownReason });
  return {
    phrase: plain(`blocked by vetsh: ${shown}${advice === undefined ? "" : `; hint: ${advice}`}`),
    body: `vetsh: refused: ${shown}\n${advice === undefined ? "" : `hint: ${advice}\n`}`,
  };
}

/** SECURITY: a status line is one line of printable ASCII, whatever a client asked for. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
