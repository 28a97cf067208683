/** The text of Seatbelt profiles (SBPL, a Scheme): how values become words that can mean nothing else. */

/** Whether a path can stand in a profile. Controls have no agreed spelling there, and a name that is no text cannot be told. */
export function canBeSpelt(path: string): boolean {
  return path.startsWith("/") && !/[\p{Cc}\ufffd]/u.test(path) && path.isWellFormed();
}

/** In: text without controls. Out: a string of SBPL. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

export const literal = (path: string): string => `(literal ${quoted(path)})`;
export const subpath = (path: string): string => `(subpath ${quoted(path)})`;

/**
 * In: a directory, and names below it (with `/` between parts). Out: a filter that fits each and all that is below it, in whatever case they are written:
 * the file system tells no case apart, and what does not exist yet has no spelling of its own.
 */
export function named(directory: string, names: readonly string[]): string {
  const one = (name: string): string => [...name].map((char) => (/[a-z]/i.test(char) ? `[${char.toLowerCase()}${char.toUpperCase()}]` : plain(char))).join("");
  return `(regex ${quoted(`^${[...directory].map(plain).join("")}/(${names.map(one).join("|")})(/|$)`)})`;
}

function plain(char: string): string {
  return /[.\\^$*+?()[\]{}|]/.test(char) ? `\\${char}` : char;
}
