/**
 * In: a pattern (`*` any run of characters, `?` any one, `[…]` taken as any one), a text. Out: whether it fits.
 * Time is the product of the two lengths at most: patterns come from files of the agent.
 */
export function fits(pattern: string, text: string): boolean {
  const wanted = pattern.replace(/\[[^\]]*\]/g, "?");
  let at = 0;
  let want = 0;
  let star = -1;
  let mark = 0;
  while (at < text.length) {
    const next = wanted[want];
    if (next === "*") {
      star = want;
      mark = at;
      want += 1;
    } else if (next !== undefined && (next === "?" || next === text[at])) {
      at += 1;
      want += 1;
    } else if (star >= 0) {
      want = star + 1;
      mark += 1;
      at = mark;
    } else return false;
  }
  return /^\**$/.test(wanted.slice(want));
}
