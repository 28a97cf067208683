/**
 * Secrets in text from commands, replaced before anything is kept, hashed, sent or shown.
 *
 * Structural rules first (a value in a place that is for secrets), then formats of known tokens. References (`$VAR`, `$(…)`)
 * stay: they are no secrets and carry meaning. What holds: one pass per rule, bounded look-ahead, so time is linear in the
 * text; a text without secrets comes back unchanged; redacting twice changes nothing more.
 * SECURITY: this lowers what leaks, it proves nothing: a secret in an unknown shape and place stays (docs/limits.md).
 */
import { HINTS, RULES, type SecretRule } from "./secret-places.ts";

export type RedactOptions = {
  /** Names a secret without giving it away (a keyed digest), so that records of one secret can be joined. Default: no name. */
  readonly mark?: (secret: string) => string;
};
export type Redacted = { readonly text: string; readonly found: number };

/** In: any text. Out: the same text with secrets replaced by `[redacted]` or `[redacted:MARK]`, and how many there were. */
export function redact(text: string, options: RedactOptions = {}): Redacted {
  let clean = text;
  let found = 0;
  const { words, url, pem, run, option, pipe, herestring, command, sql } = HINTS;
  // What a text does not hint at first, it does not after some of it was replaced.
  const hints = {
    words: words.test(text), url: url.test(text), pem: pem.test(text), run: run.test(text), option: option.test(text), pipe: pipe.test(text),
    herestring: herestring.test(text), command: command.test(text), sql: sql.test(text),
  };
  for (const rule of RULES) {
    if (!hints[rule.hint] || (rule.near !== undefined && !rule.near.test(clean))) continue;
    const result = apply(rule, clean, options);
    clean = result.text;
    found += result.found;
  }
  return { text: clean, found };
}

/** One pass. A place that turns out harmless is stepped over, its value is not: `--env=TOKEN=x` has a second place in it. */
function apply(rule: SecretRule, text: string, options: RedactOptions): Redacted {
  let out = "";
  let copied = 0;
  let found = 0;
  rule.place.lastIndex = 0;
  for (let place = rule.place.exec(text); place !== null; place = rule.place.exec(text)) {
    const end = place.index + place[0].length;
    const meant = isMeant(rule, place.groups?.["name"], text, end);
    const [from, secret] = rule.value === undefined ? [place.index, place[0]] : [end, meant ? valueAt(rule.value, text, end, place.groups?.["quote"]) : undefined];
    if (secret !== undefined) {
      out += text.slice(copied, from) + replacement(secret, options);
      copied = from + secret.length;
      found += 1;
    }
    rule.place.lastIndex = Math.max(copied, end, place.index + 1);
  }
  return { text: found === 0 ? text : out + text.slice(copied), found };
}

function isMeant(rule: SecretRule, name: string | undefined, text: string, at: number): boolean {
  return (rule.named === undefined || (name !== undefined && namesSecret(name))) && (rule.near === undefined || rule.near.test(commandBefore(text, at)));
}

/** The secret that stands at a place, if one does. What begins like something harmless is not read to its end (linear time). */
function valueAt(pattern: RegExp, text: string, at: number, openQuote: string | undefined): string | undefined {
  // `"password="` ends here: what follows the quote is not its value.
  if (openQuote !== undefined && openQuote !== "" && text[at] === openQuote) return undefined;
  if (beginsHarmless(text.slice(at, at + 16))) return undefined;
  pattern.lastIndex = at;
  const value = pattern.exec(text)?.[0];
  return value === undefined || saysNothing(unquoted(value)) ? undefined : value;
}

/** In: the words of an argument list. Out: the same words, secrets replaced; a flag with a secret's name covers the word after it. */
export function redactWords(words: readonly string[], options: RedactOptions = {}): { readonly words: readonly string[]; readonly found: number } {
  let found = 0;
  const clean = words.map((word, index) => {
    const before = words[index - 1];
    const flag = before === undefined ? undefined : /^--?([A-Za-z][\w-]{0,80})$/.exec(before)?.[1];
    const [, head, name] = /^(-{0,2}([A-Za-z_][\w.-]{0,80})=)/.exec(word) ?? [];
    const secret = flag !== undefined && namesSecret(flag) && !word.startsWith("-") ? word : head !== undefined && name !== undefined && namesSecret(name) ? word.slice(head.length) : undefined;
    if (secret === undefined || beginsHarmless(secret) || saysNothing(secret)) {
      const result = redact(word, options);
      found += result.found;
      return result.text;
    }
    found += 1;
    return word.slice(0, word.length - secret.length) + replacement(secret, options);
  });
  return { words: clean, found };
}

/** What ends a name that is for secrets: `DB_PASSWORD`, `apiKey`, `client-secret`, `TOKEN_2`; not `MAX_TOKENS`, `TOKEN_FILE`, `AUTHOR`. */
const SECRET_NAME = /(?:password|passwd|passphrase|passcode|secrets?|credentials?|(?:api|access|private|session|encryption|signing|master|account|storage|license|service|secret|shared|deploy|admin|auth|app|subscription)_?keys?|connection_?string|conn_?str|(?:^|_)(?:pass|pwd|pw|token|auth|bearer|dsn|pat)|authtoken|accesstoken)(?:_(?:base|value|string|plain|b64|base64|prod|production|dev|development|test|staging|main|old|new|current|v?\d+))*\d*$/;
/** Flags that end like a secret's name and take none. */
const NO_SECRET = /^(?:with|no|without|show|list|skip|use|allow|enable|disable|generate|print|reset|require|is|has|check|update|create|delete|get|rotate|ask|old)_|^(?:pwd|oldpwd)$/;

function namesSecret(name: string): boolean {
  const plain = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[.-]/g, "_").toLowerCase();
  return SECRET_NAME.test(plain) && !NO_SECRET.test(plain);
}

/** A reference, a placeholder or a piece of a pattern or program. A `$` in single quotes is a character like any other. */
function beginsHarmless(text: string): boolean {
  if (/^"?(?:\$[\w({@*#?!]|`|\[redacted)/.test(text)) return true;
  return /^["']?(?:\[redacted|=|\.[*+]|\[\^?[\w\\]|\(|\\[SwWdsnb"']|%[sdqvi]\b|<|\{\{|\$\{\{|os\.|process\.|env\.|args\.|self\.|config\.|settings\.|id=|pass:\[redacted|env:|file:|fd:|\/[a-z]?(?:['"\s;{]|$))/.test(text);
}

/** A word that says "none", or stands for a value. */
function saysNothing(bare: string): boolean {
  return /^(?:|true|false|yes|no|none|null|nil|undefined|on|off|auto|default|required|optional|basic|digest|bearer|string|str|\*+|x+|-+|\.+)$/i.test(bare);
}

function unquoted(value: string): string {
  const quote = value[0];
  return value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote) ? value.slice(1, -1) : value;
}

/** Quotes stay, so that the text still reads as the command that it was. */
function replacement(secret: string, options: RedactOptions): string {
  const bare = unquoted(secret);
  const mark = options.mark?.(bare);
  const shown = mark === undefined ? "[redacted]" : `[redacted:${mark}]`;
  return bare === secret ? shown : `${secret[0] ?? ""}${shown}${secret[0] ?? ""}`;
}

/** The command in which a place stands, as far back as matters; a `;` may be part of a header, so it does not count as an end. */
function commandBefore(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - 512), at);
  return before.slice(Math.max(0, ...["\n", "&& ", "|| ", " | "].map((end) => before.lastIndexOf(end))));
}
