import type { Call } from "../call.ts";
import { field } from "../value.ts";

const READING = /^(?:select|with|show|explain|describe|desc|values|table|pragma|use|set|begin|start|commit|rollback|analyze|help)\b/i;
const LOSING = /^(?:drop|truncate|delete)\b/i;
/** Ways out of the database: files and programs (PostgreSQL COPY … PROGRAM, MySQL INTO OUTFILE, LOAD DATA, SQLite's dot commands). */
const ESCAPES = /\bcopy\b[^;]*\bprogram\b|\binto\s+(?:outfile|dumpfile)\b|\bload_file\s*\(|\bload_extension\s*\(|\bpg_read_file|\blo_export|\bxp_cmdshell|\bwritefile\s*\(|\breadfile\s*\(|\bedit\s*\(|\battach\b/i;

/** Databases that are a file: changing one is writing that file. */
const LOCAL = new Set(["sqlite3", "sqlite", "duckdb"]);

/** SQL or a client's own commands, statement by statement: reading, changing, losing. */
export function sql(text: string, call: Call): void {
  const plain = text.replaceAll(/--[^\n]*|\/\*[^]*?\*\//g, " ");
  if (ESCAPES.test(plain)) call.exec("program", "SQL that reaches files or programs");
  for (const statement of plain.split(/;|\n(?=\s*[.\\])/)) {
    const trimmed = statement.trim();
    if (trimmed === "") continue;
    if (/^[.\\]/.test(trimmed)) clientCommand(trimmed, call);
    else if (LOCAL.has(call.name) && !LOSING.test(trimmed) && !READING.test(trimmed)) call.path(call.args.find((arg) => !/^-/.test(arg.texts[0]!)) ?? field(["."]), "write");
    else if (LOSING.test(trimmed) || /\bdelete\s+from\b|\bdrop\s+(?:table|database|schema|index|view)\b/i.test(trimmed)) call.add({ kind: "lose", what: "database", target: undefined });
    else if (!READING.test(trimmed) || /\b(?:insert|update|create|alter|replace|grant|revoke)\b/i.test(trimmed) || /^pragma\s+\w+\s*=/i.test(trimmed)) call.add({ kind: "remote", what: "database", target: undefined });
  }
}

function clientCommand(text: string, call: Call): void {
  if (/^\.(?:tables|schema|headers?|mode|databases|indexes|indices|width|timer|show|quit|exit|help|dbinfo|fullschema|separator|nullvalue|explain|eqp|stats|bail|echo|changes|limit)\b/.test(text)) return;
  if (/^\\(?:d[a-zA-Z+]*|l\+?|c|x|q|pset|t|a|timing|conninfo|encoding|z|sf|sv|du|dn|dt|di|dv|df)\b/.test(text)) return;
  call.exec("program", `client command ${text.split(/\s/)[0]}`);
}
