import type { FoundCommand } from "../../src/model/index.ts";

/** In: what recorders wrote, words ended by NUL, a line feed word after each command. Out: the argv of each command, in order. */
export function recordedRuns(text: string): readonly (readonly string[])[] {
  const runs: string[][] = [[]];
  for (const piece of text.split("\0").slice(0, -1)) {
    if (piece === "\n") runs.push([]);
    else runs.at(-1)!.push(piece);
  }
  return runs.slice(0, -1);
}

/** Whether a found command may be this argv: an unknown word stands for any number of words. */
export function covers(found: FoundCommand, argv: readonly string[]): boolean {
  const match = (word: number, at: number): boolean => {
    if (word === found.words.length) return at === argv.length;
    const values = found.words[word];
    if (values === undefined) return match(word + 1, at) || (at < argv.length && match(word, at + 1));
    return at < argv.length && values.includes(argv[at]!) && match(word + 1, at + 1);
  };
  return match(0, 0);
}
