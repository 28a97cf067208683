/** One word as a shell would read it back: plain words as they are, others in single quotes. For showing and for hashing, never for running. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
