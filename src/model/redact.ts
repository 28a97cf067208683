/**
 * Secrets in text from commands, replaced before anything is kept, hashed, sent or shown.
 *
 * Structural rules first (a value in a place that is for secrets), then formats of known tokens. References (`$VAR`, `$(…)`)
 * stay: they are no secrets and carry meaning. What holds: one pass per rule, bounded look-ahead, so time is linear in the
 * text; a text without secrets comes back unchanged; redacting twice changes nothing more.
 * SECURITY: this lowers what leaks, it proves nothing: a secret in an unknown shape and place stays (docs/limits.md).
 */
export type RedactOptions = {
  /** Names a secret without giving it away (a keyed digest), so that records of one secret can be joined. Default: no name. */
  readonly mark?: (secret: string) => string;
};
export type Redacted = { readonly text: string; readonly found: number };

/**
 * A place where secrets stand, and how far one goes from there. Without `value` the place itself is the secret.
 * `hint`: cheap, true for every text with such a place. `name`: the capture `name` of `place` must name a secret. `near`: must stand before the place in the same command.
 */
type Rule = { readonly id: string; readonly hint: keyof typeof HINTS; readonly place: RegExp; readonly value?: RegExp; readonly named?: true; readonly near?: RegExp };

const NAME = String.raw`(?<name>[A-Za-z_][\w.-]{0,80})`;
/** A value of the shell: quoted, or up to the next blank or operator. */
const SHELL_VALUE = String.raw`"[^"]*"|'[^']*'|[^\s;&|<>()'"\x60]+`;
const VALUE = new RegExp(SHELL_VALUE, "y");
const PART = /[^\s"'`]+/y;
const PLAIN_PART = /[^\s"'`;&|]+/y;

const TOKENS = [
  String.raw`gh[pousr]_[A-Za-z0-9]{30,255}`, String.raw`github_pat_\w{22,255}`, String.raw`gl(?:pat|rt|dt|ptt|soat|cbt)-[\w.-]{20,255}`,
  String.raw`sk-(?=[\w-]{0,60}[0-9A-Z])[\w-]{20,255}`, String.raw`[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}`, String.raw`xox[abeoprs]-[\w-]{10,255}`, String.raw`xapp-[\w-]{10,255}`,
  String.raw`(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])`, String.raw`AIza[\w-]{35}`, String.raw`ya29\.[\w-]{20,255}`, String.raw`npm_[A-Za-z0-9]{36}`, String.raw`pypi-[\w-]{40,255}`,
  String.raw`eyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}\.[\w-]{0,2048}`, String.raw`hf_[A-Za-z0-9]{30,255}`, String.raw`do[opr]_v1_[a-f0-9]{64}`, String.raw`hv[sb]\.[\w-]{20,255}`,
  String.raw`SG\.[\w-]{16,255}\.[\w-]{16,255}`, String.raw`shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`, String.raw`AGE-SECRET-KEY-1[A-Z0-9]{50,80}`, String.raw`lin_api_[A-Za-z0-9]{32,64}`, String.raw`\d{8,10}:AA[\w-]{33}`,
].join("|");
const HEADERS = "x-(?:api-key|auth-token|access-token|vault-token|gitlab-token|goog-api-key|amz-security-token|functions-key|csrf-token)|api-key|apikey|private-token|job-token|circle-token";
const STDIN_READERS = String.raw`sudo\s[^|;&\n]{0,80}-S\b|[^|;&\n]{0,200}(?:--with-token|-stdin\b|\bchpasswd\b|\bcryptsetup\b)`;

/** Cheap tests, each made once for a text: most texts give no hint, and then no rule is tried. */
const HINTS = {
  /** Every name that can be a secret's, and every header, holds one of these. */
  words: /pass|secret|token|key|cred|auth|bearer|dsn|pwd|pw|pat|conn|cookie/i,
  url: /:\/\//,
  pem: /-----BEGIN/,
  /** Every token is part of a run this long (or has a colon in it). */
  run: /(?<![\w.-])[\w.-]{20}|\d:AA/,
  option: /\s-(?:[bpaPwuU]|-(?:cookie|user|proxy-user|auth))/,
  pipe: /\|/,
} as const;

const RULES: readonly Rule[] = [
  { id: "pem", hint: "pem", place: /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g },
  { id: "token", hint: "run", place: new RegExp(String.raw`(?<![A-Za-z0-9_])(?:${TOKENS})`, "g") },
  { id: "webhook", hint: "url", place: /https:\/\/(?:hooks\.slack\.com\/(?:services|workflows|triggers)|(?:\w{1,16}\.)?discord(?:app)?\.com\/api\/webhooks|[\w-]{1,64}\.webhook\.office\.com\/webhookb2)\//g, value: /[\w/@-]{8,}/y },
  { id: "url-password", hint: "url", place: /(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}:\/\/[^\s/:@'"[]{0,80}:/g, value: /[^\s/@'"]{1,512}(?=@)/y },
  { id: "url-token", hint: "url", place: /https?:\/\//g, value: /[\w-]{20,255}(?=@)/y },
  { id: "authorization", hint: "words", place: /\bAuthorization["']?\s{0,4}[:=]\s{0,4}["']?(?:Bearer|Basic|Token|Digest|ApiKey|Negotiate)\s{1,4}/gi, value: PART },
  { id: "authorization-option", hint: "words", place: /(?:-H|--header)[\s=]{0,4}["']?(?:Proxy-)?Authorization:\s{0,4}(?!(?:Bearer|Basic|Token|Digest|ApiKey|Negotiate)\s)/gi, value: PART },
  { id: "bearer", hint: "words", place: /\bBearer\s{1,4}(?=[\w.~+/-]{0,60}\d)/gi, value: /[\w.~+/=-]{12,}/y },
  { id: "header", hint: "words", place: new RegExp(String.raw`\b(?:${HEADERS})\s{0,4}:\s{0,4}`, "gi"), value: /[^\s"'`]{4,}/y },
  { id: "cookie", hint: "words", place: /\bcookie:\s{0,4}/gi, value: /[^"'\n=;]{1,128}=[^"'\n]+/y },
  { id: "cookie-option", hint: "option", near: /\bcurl\b/, place: /\s(?:-b|--cookie)[\s=]["']?/g, value: /[^"'\s=]{1,128}=[^"'\n\s]+/y },
  { id: "user-option", hint: "option", near: /\b(?:curl|wget|https?|xh|lftp)\b/, place: /\s(?:-u|-U|-a|--user|--proxy-user|--auth)[\s=]{0,4}["']?[^\s:"'=[]{1,128}:/g, value: PLAIN_PART },
  { id: "client-password", hint: "option", near: /\b(?:mysql\w{0,12}|mariadb[\w-]{0,12}|mycli|7za?|rar|unrar)\b/, place: /\s-p/g, value: VALUE },
  { id: "login-password", hint: "option", near: /\bsshpass\b|\b(?:docker|podman|nerdctl|helm registry|az|oc|skopeo|buildah|crane auth|cf)\s+login\b/, place: /\s-p\s{0,4}/g, value: VALUE },
  { id: "archive-password", hint: "option", near: /\b(?:unzip|zip)\b/, place: /\s-P\s{1,4}/g, value: VALUE },
  { id: "redis-password", hint: "option", near: /\bredis-cli\b/, place: /\s-a\s{1,4}/g, value: VALUE },
  { id: "ldap-password", hint: "option", near: /\b(?:ldap(?:search|add|modify|delete|passwd|whoami)|rpcclient)\b/, place: /\s-w\s{1,4}/g, value: VALUE },
  { id: "htpasswd", hint: "words", place: /\bhtpasswd\s{1,4}-\w{0,8}b\w{0,8}\s{1,4}\S{1,255}\s{1,4}\S{1,255}\s{1,4}/g, value: VALUE },
  { id: "secret-body", hint: "words", near: /\bgh\s+(?:secret|variable)\s+set\b/, place: /\s(?:-b|--body)[\s=]{0,4}/g, value: VALUE },
  { id: "openssl", hint: "words", place: /\s--?(?:pass|passin|passout|passphrase)[\s=]{1,4}["']?pass:/g, value: PLAIN_PART },
  { id: "echoed", hint: "pipe", place: /\b(?:echo|printf)\s{1,4}(?:-n\s{1,4})?/g, value: new RegExp(String.raw`(?:${SHELL_VALUE})(?=\s{0,4}\|\s{0,4}(?:${STDIN_READERS}))`, "y") },
  { id: "json-field", hint: "words", named: true, place: new RegExp(String.raw`\\?["']${NAME}\\?["']\s{0,8}:\s{0,8}\\?["']`, "g"), value: /(?<=\\")[^"\\\n]+|(?<=[^\\]")(?:[^"\\\n]|\\.)+|(?<=')[^'\n]+/y },
  { id: "yaml-field", hint: "words", named: true, place: new RegExp(String.raw`^[ \t]{0,40}(?:- )?${NAME}:[ \t]{1,8}`, "gm"), value: /(?:"[^"\n]+"|'[^'\n]+'|[^\s"'#]{4,})(?=[ \t\r]*$)/my },
  { id: "set-command", hint: "words", named: true, place: new RegExp(String.raw`\sset\s{1,4}(?:--\w[\w-]{0,30}\s{1,4}){0,3}(?:\S{0,200}[/:])?(?<![\w.-])${NAME}[\s=]{1,4}(?!-)`, "g"), value: VALUE },
  { id: "flag", hint: "words", named: true, place: new RegExp(String.raw`(?<![^\s])--?${NAME}\s{1,8}(?!-)`, "g"), value: VALUE },
  { id: "assignment", hint: "words", named: true, place: new RegExp(String.raw`(?<![\w$.-])(?<quote>["']?)-{0,2}${NAME}\+?=`, "g"), value: new RegExp(String.raw`(?:${SHELL_VALUE})(?!\()`, "y") },
];

/** In: any text. Out: the same text with secrets replaced by `[redacted]` or `[redacted:MARK]`, and how many there were. */
export function redact(text: string, options: RedactOptions = {}): Redacted {
  let clean = text;
  let found = 0;
  const { words, url, pem, run, option, pipe } = HINTS;
  // What a text does not hint at first, it does not after some of it was replaced.
  const hints = { words: words.test(text), url: url.test(text), pem: pem.test(text), run: run.test(text), option: option.test(text), pipe: pipe.test(text) };
  for (const rule of RULES) {
    if (!hints[rule.hint] || (rule.near !== undefined && !rule.near.test(clean))) continue;
    const result = apply(rule, clean, options);
    clean = result.text;
    found += result.found;
  }
  return { text: clean, found };
}

/** One pass. A place that turns out harmless is stepped over, its value is not: `--env=TOKEN=x` has a second place in it. */
function apply(rule: Rule, text: string, options: RedactOptions): Redacted {
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

function isMeant(rule: Rule, name: string | undefined, text: string, at: number): boolean {
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
const SECRET_NAME = /(?:password|passwd|passphrase|passcode|secrets?|credentials?|(?:api|access|private|session|encryption|signing|master|account|storage|license|service|secret|shared|deploy|admin|auth|app)_?keys?|connection_?string|conn_?str|(?:^|_)(?:pass|pwd|pw|token|auth|bearer|dsn|pat)|authtoken|accesstoken)(?:_(?:base|value|string|plain|b64|base64|prod|production|dev|development|test|staging|main|old|new|current|v?\d+))*\d*$/;
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
