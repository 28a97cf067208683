/**
 * Where secrets stand in what people and agents write into command lines, as a table: places, and formats of known tokens. One row per
 * way of writing; `redact.ts` walks it. Kept by us: rule sets for scanning files know formats, and few of these places.
 */
/**
 * A place where secrets stand, and how far one goes from there. Without `value` the place itself is the secret.
 * `hint`: cheap, true for every text with such a place. `name`: the capture `name` of `place` must name a secret. `near`: must stand before the place in the same command.
 */
export type SecretRule = { readonly id: string; readonly hint: keyof typeof HINTS; readonly place: RegExp; readonly value?: RegExp; readonly named?: true; readonly near?: RegExp };

const NAME = String.raw`(?<name>[A-Za-z_][\w.-]{0,80})`;
/** A value of the shell: quoted, or up to the next blank or operator. */
const SHELL_VALUE = String.raw`"[^"]*"|'[^']*'|[^\s;&|<>()'"\x60]+`;
const VALUE = new RegExp(SHELL_VALUE, "y");
const PART = /[^\s"'`]+/y;
const PLAIN_PART = /[^\s"'`;&|]+/y;

const TOKENS = [
  String.raw`gh[pousr]_[A-Za-z0-9]{30,255}`, String.raw`github_pat_\w{22,255}`, String.raw`gl(?:pat|rt|dt|ptt|soat|cbt)-[\w.-]{20,255}`,
  String.raw`sk-(?=[\w-]{0,60}[0-9A-Z])[\w-]{20,255}`, String.raw`[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}`, String.raw`xox[abdeoprs]-[\w-]{10,255}`, String.raw`xapp-[\w-]{10,255}`,
  String.raw`(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])`, String.raw`AIza[\w-]{35}`, String.raw`ya29\.[\w-]{20,255}`, String.raw`npm_[A-Za-z0-9]{36}`, String.raw`pypi-[\w-]{40,255}`,
  String.raw`eyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}\.[\w-]{0,2048}`, String.raw`hf_[A-Za-z0-9]{30,255}`, String.raw`do[opr]_v1_[a-f0-9]{64}`, String.raw`hv[sb]\.[\w-]{20,255}`,
  String.raw`SG\.[\w-]{16,255}\.[\w-]{16,255}`, String.raw`shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}`, String.raw`AGE-SECRET-KEY-1[A-Z0-9]{50,80}`, String.raw`lin_api_[A-Za-z0-9]{32,64}`, String.raw`\d{8,10}:AA[\w-]{33}`,
  String.raw`gsk_[A-Za-z0-9]{40,64}`, String.raw`whsec_[A-Za-z0-9+/=]{24,64}`, String.raw`SK[0-9a-f]{32}(?![A-Za-z0-9])`, String.raw`key-[0-9a-f]{32}(?![A-Za-z0-9])`, String.raw`sq0(?:atp|csp|idp)-[\w-]{22,64}`, String.raw`ATATT3[\w=-]{40,255}`,
  String.raw`ntn_[A-Za-z0-9]{40,64}`, String.raw`secret_[A-Za-z0-9]{43}(?!\w)`, String.raw`dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.]{40,64}`, String.raw`pscale_(?:tkn|pw|oauth)_[\w.-]{32,64}`, String.raw`f[mo][12]_[\w+/=-]{32,2048}`, String.raw`dapi[0-9a-f]{32}(?:-\d)?(?![A-Za-z0-9])`,
  String.raw`[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,70}`, String.raw`gl(?:sa|c)_[A-Za-z0-9+/=_]{32,255}`, String.raw`NR(?:AK|II|AA|RA)-[\w-]{24,64}`, String.raw`sntry[su]_[\w+/=-]{40,255}`, String.raw`sbp_[a-f0-9]{40}`, String.raw`dckr_[op]at_[\w-]{24,64}`, String.raw`r8_[A-Za-z0-9]{37,40}`,
  String.raw`pplx-[A-Za-z0-9]{40,64}`, String.raw`xai-[\w-]{60,128}`, String.raw`tskey-[a-z]{2,12}-[\w-]{20,128}`, String.raw`GOCSPX-[\w-]{24,40}`, String.raw`1\/\/0[\w-]{40,255}`, String.raw`rubygems_[a-f0-9]{48}`, String.raw`PMAK-[a-f0-9]{24}-[a-f0-9]{34}`, String.raw`pat[A-Za-z0-9]{14}\.[a-f0-9]{64}`,
  String.raw`figd_[\w-]{40,64}`, String.raw`CFPAT-[\w-]{40,64}`, String.raw`sha256~[\w-]{43}`,
].join("|");
const HEADERS = "x-(?:api-key|auth-token|access-token|vault-token|gitlab-token|goog-api-key|amz-security-token|functions-key|csrf-token)|[\\w-]{1,40}-(?:api|subscription|access)-(?:key|token)|api-key|apikey|private-token|job-token|circle-token";
/** Commands that read a secret from standard input. */
const TAKES_SECRET = String.raw`(?:--with-token|-stdin\b|\bchpasswd\b|\bcryptsetup\b|\bvncpasswd\b|\bcosign\b|\bsecrets? (?:put|create|set|import)\b|\bcreate secret\b|\bsecrets versions add\b)`;
const STDIN_READERS = String.raw`sudo\s[^|;&\n]{0,80}-S\b|(?:sudo\s{1,4})?(?:kinit|su|passwd|smbpasswd)\s|[^|;&\n]{0,200}${TAKES_SECRET}`;
/** Commands whose next word is a secret, whatever it looks like. */
const TAKES_WORD = [
  String.raw`rabbitmqctl\s{1,4}(?:add_user|change_password|authenticate_user)\s{1,4}\S{1,128}`, String.raw`neo4j-admin\s{1,4}(?:dbms\s{1,4})?set-initial-password`, String.raw`gcloud\s{1,4}auth\s{1,4}activate-refresh-token\s{1,4}\S{1,128}`,
  String.raw`vault\s{1,4}operator\s{1,4}unseal`, String.raw`bw\s{1,4}unlock`, String.raw`bw\s{1,4}login\s{1,4}[^\s-]\S{0,128}`, String.raw`cargo\s{1,4}login`, String.raw`nuget\s{1,4}setApiKey`, String.raw`fly(?:ctl)?\s{1,4}auth\s{1,4}token`,
  String.raw`(?:poetry|composer)\s{1,4}config\s{1,4}(?:--?[\w-]{1,30}\s{1,4}){0,3}http-basic\.\S{1,128}\s{1,4}\S{1,128}`, String.raw`net\s{1,4}user\s{1,4}\w{1,64}`, String.raw`codecov\s[^|;&\n]{0,200}-t`, String.raw`dotnet\s{1,4}nuget\s{1,4}push\s[^|;&\n]{0,200}(?:-k|--api-key)`,
  String.raw`gem\s{1,4}push\s[^|;&\n]{0,200}(?:-k|--key)`, String.raw`consul\s{1,4}kv\s{1,4}put\s{1,4}\S{0,128}(?:password|secret|token|passwd|api-?key)\S{0,16}`, String.raw`put-parameter\s[^|;&\n]{0,300}SecureString[^|;&\n]{0,300}--value`,
  String.raw`https?\s[^|;&\n]{0,200}(?:-A|--auth-type)[\s=]{1,4}bearer\s[^|;&\n]{0,200}(?:-a|--auth)`, String.raw`snmp\w{1,12}\s[^|;&\n]{0,200}-[AX]`,
].join("|");

/** Cheap tests, each made once for a text: most texts give no hint, and then no rule is tried. */
export const HINTS = {
  /** Every name that can be a secret's, and every header, holds one of these. */
  words: /pass|secret|token|key|cred|auth|bearer|dsn|pwd|pw|pat|conn|cookie/i,
  url: /:\/\//,
  pem: /-----BEGIN/,
  /** Every token is part of a run this long (or has a colon in it). */
  run: /(?<![\w.-])[\w.-]{20}|\d:AA/,
  option: /\s-(?:[bpaAPwuU]|-(?:src-|dest-)?creds|-(?:cookie|user|proxy-user|auth))/,
  pipe: /\|/,
  herestring: /<<</,
  /** One of the commands of TAKES_WORD and the rules that name one, by its rarest part. */
  command: /rabbitmqctl|neo4j-admin|refresh-token|unseal|\bbw\s|cargo\s+login|setApiKey|auth\s+token|http-basic|\bnet\s+user\b|codecov|nuget\s+push|gem\s+push|kv\s+put|SecureString|bearer|snmp|secrets\s+set|sqlplus|freerdp|machine\s|pgpass/,
  sql: /\b(?:identified|password)\b/i,
} as const;

export const RULES: readonly SecretRule[] = [
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
  { id: "user-option", hint: "option", near: /\b(?:curl|wget|https?|xh|lftp|etcdctl|skopeo|oras|buildah|podman)\b/, place: /\s(?:-u|-U|-a|--user|--proxy-user|--auth|--(?:src-|dest-)?creds)[\s=]{0,4}["']?[^\s:"'=[]{0,128}:/g, value: PLAIN_PART },
  { id: "client-password", hint: "option", near: /\b(?:mysql\w{0,12}|mariadb[\w-]{0,12}|mycli|7za?|rar|unrar)\b/, place: /\s-p/g, value: VALUE },
  { id: "login-password", hint: "option", near: /\bsshpass\b|\b(?:docker|podman|nerdctl|helm registry|az|oc|skopeo|buildah|crane auth|cf)\s+login\b|\b(?:mongo(?:sh|dump|restore|import|export|stat|top)?|cqlsh|rabbitmqadmin|cypher-shell|ncftp\w{0,4}|twine\s+upload|yt-dlp|youtube-dl|rdesktop|useradd|usermod)\s/, place: /\s-p\s{0,4}/g, value: VALUE },
  { id: "archive-password", hint: "option", near: /\b(?:unzip|zip|sqlcmd|bcp|ipmitool)\b/, place: /\s-P\s{1,4}/g, value: VALUE },
  { id: "redis-password", hint: "option", near: /\bredis-cli\b/, place: /\s-a\s{1,4}/g, value: VALUE },
  { id: "ldap-password", hint: "option", near: /\b(?:ldap(?:search|add|modify|delete|passwd|whoami)|rpcclient)\b/, place: /\s-w\s{1,4}/g, value: VALUE },
  { id: "htpasswd", hint: "words", place: /\bhtpasswd\s{1,4}-\w{0,8}b\w{0,8}\s{1,4}\S{1,255}\s{1,4}\S{1,255}\s{1,4}/g, value: VALUE },
  { id: "secret-body", hint: "words", near: /\bgh\s+(?:secret|variable)\s+set\b/, place: /\s(?:-b|--body)[\s=]{0,4}/g, value: VALUE },
  { id: "openssl", hint: "words", place: /\s--?(?:pass|passin|passout|passphrase)[\s=]{1,4}["']?pass:/g, value: PLAIN_PART },
  { id: "echoed", hint: "pipe", place: /\b(?:echo|printf)\s{1,4}(?:-n\s{1,4})?/g, value: new RegExp(String.raw`(?:${SHELL_VALUE})(?=\s{0,4}\|\s{0,4}(?:${STDIN_READERS}))`, "y") },
  { id: "user-percent", hint: "option", near: /\b(?:smb\w{1,12}|winexe|rpcclient|net)\s/, place: /\s-U[\s=]{0,4}["']?[^\s"'%]{1,128}%/g, value: PLAIN_PART },
  { id: "user-comma", hint: "option", near: /\blftp\s/, place: /\s-u\s{0,4}["']?[^\s,"']{1,128},/g, value: PLAIN_PART },
  { id: "bench-user", hint: "option", near: /\bab\s/, place: /\s-[AP]\s{0,4}["']?[^\s:"']{1,128}:/g, value: PLAIN_PART },
  { id: "next-word", hint: "command", place: new RegExp(String.raw`\b(?:${TAKES_WORD})[\s=]{1,4}(?!-)`, "g"), value: VALUE },
  { id: "secrets-set", hint: "command", near: /\bsecrets\s+set\b/, place: /\s[A-Za-z_]\w{0,80}=/g, value: VALUE },
  { id: "connect-string", hint: "command", place: /\bsqlplus\s{1,4}(?:-\w{1,4}\s{1,4}){0,3}["']?[\w.$#]{1,64}\//g, value: /[^\s@"']{1,128}/y },
  { id: "slash-password", hint: "command", near: /freerdp/, place: /\s\/p(?:assword)?:/g, value: VALUE },
  { id: "here-string", hint: "herestring", place: new RegExp(String.raw`(?:\b(?:kinit|su|passwd|smbpasswd)\s[^|;&\n]{0,80}|${TAKES_SECRET}[^|;&\n]{0,80})<<<\s{0,4}`, "g"), value: VALUE },
  { id: "netrc", hint: "command", place: /\bmachine\s{1,4}\S{1,255}\s{1,4}login\s{1,4}\S{1,128}\s{1,4}password\s{1,4}/g, value: PLAIN_PART },
  { id: "pgpass", hint: "command", place: /^[^\s:#]{1,255}:(?:\d{1,5}|\*):[^\s:]{1,128}:[^\s:]{1,128}:/gm, value: /\S+/y },
  { id: "sql-password", hint: "sql", place: /\b(?:identified(?:\s{1,4}with\s{1,4}\S{1,40})?\s{1,4}by|(?:alter|create|set)\s[^;\n]{0,200}\bpassword\s{0,4}\(?)\s{0,4}\\?'/gi, value: /[^'\n\\]+/y },
  { id: "query-signature", hint: "url", place: /[?&](?:sig|signature|X-Amz-Signature|X-Goog-Signature|code_verifier)=/gi, value: /[^&\s"'#]{16,}/y },
  { id: "basic-pair", hint: "words", place: /\bauth\s{0,4}=\s{0,4}\(\s{0,4}["'][^"'\n]{1,128}["']\s{0,4},\s{0,4}["']/g, value: /[^"'\n]+/y },
  { id: "printed-field", hint: "words", named: true, place: new RegExp(String.raw`\bprintf\s{1,4}["'][^"'\n]{0,200}?${NAME}=%s[^"'\n]{0,200}["']\s{1,4}`, "g"), value: VALUE },
  { id: "xml-field", hint: "words", named: true, place: new RegExp(String.raw`<${NAME}>`, "g"), value: /[^<>\n]{1,512}(?=<\/)/y },
  { id: "image-environment", hint: "words", named: true, place: new RegExp(String.raw`^[ \t]{0,8}ENV\s{1,4}${NAME}[ \t]{1,4}`, "gm"), value: /[^\s=]+$/my },
  { id: "header-option", hint: "words", named: true, place: new RegExp(String.raw`\s(?:-H|--header)[\s=]{0,4}["']?${NAME}:\s{0,4}`, "g"), value: /[^\s"'\x60]{4,}/y },
  { id: "object-field", hint: "words", named: true, place: new RegExp(String.raw`[{,]\s{0,8}${NAME}:\s{0,4}["']`, "g"), value: /[^"'\n]+/y },
  { id: "code-assignment", hint: "words", named: true, place: new RegExp(String.raw`(?<![\w$.-])${NAME}["']?\]?\s{1,4}(?::?=|=>)\s{0,4}\\?["']`, "g"), value: /[^"'\n\\]+/y },
  { id: "ini-field", hint: "words", named: true, place: new RegExp(String.raw`^[ \t]{0,16}${NAME}[ \t]{1,4}=[ \t]{1,4}(?=\S{0,80}[\d!@#%^&*])`, "gm"), value: /[^\s"'(){}[\];$<>]{4,}(?=[ \t\r]*$)/my },
  { id: "json-field", hint: "words", named: true, place: new RegExp(String.raw`\\?["']${NAME}\\?["']\s{0,8}:\s{0,8}\\?["']`, "g"), value: /(?<=\\")[^"\\\n]+|(?<=[^\\]")(?:[^"\\\n]|\\.)+|(?<=')[^'\n]+/y },
  { id: "yaml-field", hint: "words", named: true, place: new RegExp(String.raw`^[ \t]{0,40}(?:- )?${NAME}:[ \t]{1,8}`, "gm"), value: /(?:"[^"\n]+"|'[^'\n]+'|[^\s"'#]{4,})(?=[ \t\r]*$)/my },
  { id: "set-command", hint: "words", named: true, place: new RegExp(String.raw`\sset\s{1,4}(?:--\w[\w-]{0,30}\s{1,4}){0,3}(?:\S{0,200}[/:])?(?<![\w.-])${NAME}[\s=]{1,4}(?!-)`, "g"), value: VALUE },
  { id: "flag", hint: "words", named: true, place: new RegExp(String.raw`(?<![^\s])--?${NAME}\s{1,8}(?!-)`, "g"), value: VALUE },
  { id: "assignment", hint: "words", named: true, place: new RegExp(String.raw`(?<![\w$.-])(?<quote>["']?)-{0,2}${NAME}\+?=`, "g"), value: new RegExp(String.raw`(?:${SHELL_VALUE})(?!\()`, "y") },
];
