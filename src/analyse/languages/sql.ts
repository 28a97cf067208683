import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { field, isKnown, only, type Field } from "../value.ts";

const READING = /^(?:select|with|show|explain|describe|desc|values|table|pragma|use|set|begin|start|commit|rollback|analyze|help|summarize|from|status)\b/i;
const LOSING = /^(?:drop|truncate|delete)\b/i;
/** Ways out of the database: files and programs (PostgreSQL COPY … PROGRAM, MySQL INTO OUTFILE, LOAD DATA, SQLite and DuckDB functions). */
const ESCAPES = /\bcopy\b[^;]*\bprogram\b|\binto\s+(?:outfile|dumpfile)\b|\bload_file\s*\(|\bload_extension\s*\(|\bpg_read_(?:binary_)?file|\bpg_ls_dir|\blo_(?:export|import)|\bdblink|\bxp_cmdshell|\bsp_oacreate|\bwritefile\s*\(|\breadfile\s*\(|\bedit\s*\(|\battach\b|\bsys_exec\s*\(|\bcreate\s+(?:extension|function|language|aggregate)\b|\balter\s+system\b|\bload\s+data\b/i;
/** Words at the start of a statement that the mysql client takes itself (mysql(1)). */
const MYSQL_COMMANDS = /^(?:system|source|tee|pager|edit|\\!|\\\.|\\T|\\P|\\e)(?=\s|$)/;

/** Databases that are a file: changing one is writing that file. */
const LOCAL = new Set(["sqlite3", "sqlite", "duckdb"]);

/** SQL or a client's own commands, statement by statement: reading, changing, losing. */
export function sql(text: string, call: Call): void {
  const plain = text.replaceAll(/--[^\n]*|\/\*[^]*?\*\//g, " ");
  if (ESCAPES.test(plain)) call.exec("program", "SQL that reaches files or programs");
  // psql takes a command of its own in the middle of a line too: `select 1 \g |sh`.
  else if (!LOCAL.has(call.name) && /\S[^\n]*\\(?:g|gx|gexec|o|w|!|copy|i|ir|setenv|e|ef|ev)\b/.test(plain)) call.exec("program", "a client command inside SQL");
  if (call.name === "duckdb") duckdb(plain, call);
  for (const statement of plain.split(/;|\n(?=\s*[.\\])/)) {
    const trimmed = statement.trim();
    if (trimmed === "") continue;
    if (/^[.\\]/.test(trimmed)) clientCommand(trimmed, call);
    else if (/^(?:mysql|mariadb|mycli)$/.test(call.name) && MYSQL_COMMANDS.test(trimmed)) call.exec("program", `client command ${trimmed.split(/\s/)[0]}`);
    else if (LOCAL.has(call.name) && !LOSING.test(trimmed) && !READING.test(trimmed)) call.path(database(call), "write");
    else if (LOSING.test(trimmed) || /\bdelete\s+from\b|\bdrop\s+(?:table|database|schema|index|view|column|user|role)\b|\btruncate\b/i.test(trimmed)) call.add({ kind: "lose", what: "database", target: undefined });
    else if (!READING.test(trimmed) || /\b(?:insert|update|create|alter|replace|grant|revoke)\b/i.test(trimmed) || /^pragma\s+\w+\s*=/i.test(trimmed)) call.add({ kind: "remote", what: "database", target: undefined });
  }
}

/** The file of a local database: the first operand. */
function database(call: Call): Field {
  const takes = /^-{1,2}(?:c|cmd|s|f|init|separator|newline|nullvalue|vfs|lookaside|mmap|pagecache|nonce)$/;
  return call.args.find((arg, at) => !/^-/.test(arg.texts[0]!) && !takes.test(only(call.args[at - 1]) ?? "") && !/\s/.test(arg.texts[0]!)) ?? field(["."]);
}

/** DuckDB reads and writes files and URLs that stand in string literals, and loads extensions (duckdb.org/docs). */
function duckdb(text: string, call: Call): void {
  for (const match of text.matchAll(/\b(?:from|join|read_\w+|parquet_scan|glob|sniff_csv|import\s+database)\s*\(?\s*\[?\s*'([^']*)'/gi)) place(match[1]!, "read", call);
  for (const match of text.matchAll(/\bto\s+'([^']*)'|\bexport\s+database\s+'([^']*)'/gi)) place(match[1] ?? match[2] ?? "", "write", call);
  if (/\b(?:install|load)\s+['\w]/i.test(text)) call.exec("package", "a DuckDB extension");
}

function place(text: string, access: "read" | "write", call: Call): void {
  const url = /^[a-z0-9]+:\/\/(?:[^@/]*@)?([^/:?]+)/i.exec(text);
  if (url === null) call.path(field([text]), access);
  else call.host(url[1], { sends: access === "write" });
}

/** Dot commands of sqlite3(1) and duckdb, backslash commands of psql(1). */
function clientCommand(text: string, call: Call): void {
  const [word = "", first = "", second = ""] = text.split(/\s+/);
  if (/^\.(?:tables|schema|headers?|mode|databases|indexes|indices|width|timer|show|quit|exit|help|dbinfo|fullschema|separator|nullvalue|explain|eqp|stats|bail|echo|changes|limit|dump|print|prompt|parameter|version|lint|expert|dbconfig|selecttrace|vfsinfo|vfslist|vfsname|sha3sum|columns|rows|maxrows|maxwidth|dbtotxt|progress|recover)\b/.test(text)) return;
  if (/^\.(?:read|import)$/.test(word) && !/^[|"']?\s*\|/.test(first) && first !== "") {
    call.path(field([first]), "read");
    return word === ".read" ? call.exec("workspace", "an SQL script") : call.path(database(call), "write");
  }
  if (/^\.(?:output|once|log|backup|save|clone)$/.test(word) && !first.startsWith("|") && !/^-[ex]$/.test(first)) {
    const target = second !== "" && /^\.(?:backup|save)$/.test(word) ? second : first;
    return target === "" || /^(?:stdout|off|stderr)$/.test(target) ? undefined : call.path(field([target.replace(/^~(?=\/)/, call.context.facts.home)]), "write");
  }
  if (word === ".open") return call.path(field([second || first]), "read");
  if (word === ".restore") return call.add({ kind: "lose", what: "database", target: undefined });
  if (/^\\(?:d[a-zA-Z+]*|l\+?|c|x|q|pset|t|a|timing|conninfo|encoding|z|sf|sv|du|dn|dt|di|dv|df|h|\?|echo|set|unset|g|gx)$/.test(word) && !text.includes("|")) return;
  call.exec("program", `client command ${word}`);
}

/** psql(1): `-o |COMMAND` runs one; `-v` and a connection string may name files. */
export function psql(args: Arguments, call: Call): void {
  for (const { option, value } of args.given) {
    if ((option.names.includes("-o") || option.names.includes("-L")) && /^\s*\|/.test(only(value) ?? "")) {
      call.exec("program", "psql -o |");
      call.run.text(field([only(value)!.replace(/^\s*\|/, "")]), call, { dialect: "sh", state: call.state.clone(), what: "psql -o" });
    }
  }
}

const KEY_READS = /^(?:get|mget|getrange|strlen|exists|type|ttl|pttl|keys|scan|hget|hmget|hgetall|hkeys|hvals|hlen|hexists|hscan|lrange|llen|lindex|smembers|scard|sismember|sscan|srandmember|zrange|zrangebyscore|zrevrange|zcard|zscore|zrank|zcount|zscan|xlen|xrange|xrevrange|xinfo|ping|info|dbsize|time|lastsave|memory|object|dump|bitcount|getbit|geopos|geodist|command|role|echo|slowlog|latency|ttl|randomkey|expiretime|json\.get|ft\.search|ft\.info|client|cluster|monitor|subscribe|psubscribe|pubsub|--scan|--bigkeys|--stat|--latency|--memkeys|--hotkeys)$/i;

/** redis-cli, valkey-cli: keys are read or changed; some words lose them, load code or write files of the server. */
export function keys(args: Arguments, call: Call): void {
  if (call.args.length === 1 && /^(?:--version|-v|--help)$/.test(call.only(0) ?? "")) return;
  if (args.operands.length === 0 && !args.given.some((g) => STANDING.test(g.option.names[0]!))) return keysFromInput(args, call);
  keyCommand(args.operands.map((f) => only(f) ?? ""), args, call);
}

/** Options with which redis-cli needs no command (redis-cli --help). */
const STANDING = /^(?:--scan|--bigkeys|--memkeys|--hotkeys|--stat|--latency.*|--lru-test|--replica|--rdb|--functions-rdb|--pipe|--eval|--ldb|--cluster)$/;

/** Commands one a line on standard input; without any, a session in which anything may be typed. */
function keysFromInput(args: Arguments, call: Call): void {
  const texts = call.input.kind === "text" ? call.input.texts.filter(isKnown) : [];
  for (const text of texts) for (const line of text.split("\n").filter((one) => one.trim() !== "")) keyCommand(line.trim().split(/\s+/), args, call);
  if (texts.length > 0) return;
  call.host(hostOfKeys(args), { sends: true });
  call.opaque(`\`${call.name}\` takes commands that are not in the line`, "unknown");
}

function hostOfKeys(args: Arguments): string | undefined {
  const uri = only(args.given.find((g) => g.option.names.includes("-u"))?.value);
  return uri === undefined ? (only(args.given.find((g) => g.option.names.includes("-h"))?.value) ?? "localhost") : /^[a-z]+:\/\/(?:[^@/]*@)?([^/:]+)/.exec(uri)?.[1];
}

function keyCommand(words: readonly string[], args: Arguments, call: Call): void {
  const verb = words[0] ?? args.given.map((g) => g.option.names[0]!).find((name) => KEY_READS.test(name)) ?? "";
  const reads = KEY_READS.test(verb) && !/^(?:client|cluster|memory|latency|slowlog|object)$/i.test(verb) ? true : /^(?:list|info|nodes|slots|usage|stats|get|encoding|doctor|latest|history)$/i.test(words[1] ?? "");
  call.host(hostOfKeys(args), { sends: !reads });
  if (/^config$/i.test(verb) && /^get$/i.test(words[1] ?? "")) return;
  if (/^(?:eval|evalsha|function|fcall|module|config|debug|slaveof|replicaof|script|acl|migrate)$/i.test(verb) || args.given.some((g) => g.option.names.includes("--eval"))) return call.exec("remote", `${call.name} ${verb}`);
  if (/^(?:flushall|flushdb|shutdown|del|unlink|hdel|lrem|ltrim|srem|zrem|xtrim|swapdb|restore|getdel)$/i.test(verb)) call.add({ kind: "lose", what: "database", target: verb });
  if (!reads && verb !== "") call.add({ kind: "remote", what: "database", target: verb });
}
