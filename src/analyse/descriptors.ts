import type { Input } from "./context.ts";

/**
 * Where a descriptor leads (bash(1), REDIRECTION). Two numbers that were made from one another lead to the same end, so ends
 * are compared by identity: that is how `{ echo x >&3; } 3>&1` is seen to print x.
 */
export type End =
  /** What an enclosing command's output is: a pipe, a substitution, the shell's own. */
  | { readonly kind: "output" }
  /** Messages: what nobody in the line reads. */
  | { readonly kind: "messages" }
  /** `shared`: other programs may write to it too (`exec 3> f`), so that its text is not known. */
  | { readonly kind: "file"; readonly path: string | undefined; readonly append: boolean; readonly shared: boolean }
  | { readonly kind: "input"; readonly input: Input };

export type Ends = ReadonlyMap<number, End>;

export const MESSAGES: End = { kind: "messages" };

/** In: the end of standard output. Out: what a shell starts with; numbers that are not in it are messages or closed. */
export function startingEnds(output: End): Ends {
  return new Map([[1, output]]);
}

/** The end of a number; a number that nobody opened here was opened by whoever started the shell, and not for the line to read back. */
export function endOf(ends: Ends, number: number): End {
  return ends.get(number) ?? MESSAGES;
}

/** After a command with redirections of its own: the numbers it redirected lead again where they led; others that it opened stay. */
export function restored(before: Ends, during: Ends, after: Ends): Ends {
  if (after === during) return before;
  const ends = new Map(after);
  for (const number of new Set([...before.keys(), ...during.keys()])) {
    const was = before.get(number);
    if (during.get(number) === was) continue;
    if (was === undefined) ends.delete(number);
    else ends.set(number, was);
  }
  return ends;
}

/** One of two: where they differ nothing is known of what is read, and what is written may come back. */
export function joinEnds(a: Ends, b: Ends): Ends {
  if (a === b) return a;
  const ends = new Map(a);
  for (const [number, end] of b) {
    const mine = a.get(number);
    if (mine === end) continue;
    ends.set(number, end.kind === "input" || mine?.kind === "input" ? { kind: "input", input: { kind: "unknown", origin: undefined, span: { start: 0, end: 0 } } } : LEAK);
  }
  for (const [number, end] of a) if (!b.has(number) && end.kind !== "input") ends.set(number, LEAK);
  return ends;
}

/** Perhaps an output that is read back: what is printed there makes every output around it unknown. */
const LEAK: End = { kind: "output" };

/** Without what `exec < f` made standard input: a command that is given another one. */
export function withoutInput(ends: Ends): Ends {
  if (!ends.has(0)) return ends;
  const others = new Map(ends);
  others.delete(0);
  return others;
}

export function sameEnds(a: Ends, b: Ends): boolean {
  return a === b || (a.size === b.size && [...a].every(([number, end]) => b.get(number) === end));
}

/** The first number that `{name}` takes (bash(1): 10 or more). */
export function freeNumber(ends: Ends): number {
  let number = 10;
  while (ends.has(number)) number += 1;
  return number;
}
