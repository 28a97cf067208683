import { parse } from "toml";

/** A parsed TOML text with the lines that the parser does not give. */
export type TomlText =
  | { readonly ok: true; readonly data: unknown; readonly ruleLines: readonly number[]; readonly networkLines: readonly number[]; readonly keyLines: ReadonlyMap<string, number> }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

/**
 * In: TOML text. Out: its data, the line of each `[[rule]]` and `[[network]]` in order, and the line of each plain key of a table
 * (`reviewer.model`); or where and why it does not parse. Lines and columns count from 1. Never throws.
 */
export function readToml(text: string): TomlText {
  try {
    const data: unknown = parse(text, { maxDepth: 32 });
    return { ok: true, data, ...findLines(text) };
  } catch (error) {
    return { ok: false, ...positionOf(error) };
  }
}

/**
 * `toml` 5.0.1 has two shapes of error: the grammar's with `location.start`, the semantic ones (a key set twice) with `line`
 * and `column` on the error itself, though its README promises one. This is the only place that knows.
 */
function positionOf(error: unknown): { readonly line: number; readonly column: number; readonly message: string } {
  const shape = (typeof error === "object" && error !== null ? error : {}) as { readonly message?: unknown; readonly line?: unknown; readonly column?: unknown; readonly location?: { readonly start?: { readonly line?: unknown; readonly column?: unknown } } };
  const start = shape.location?.start ?? shape;
  const number = (value: unknown): number => (typeof value === "number" && Number.isInteger(value) && value > 0 ? value : 1);
  return { line: number(start.line), column: number(start.column), message: shortened(typeof shape.message === "string" ? shape.message : String(error)) };
}

/** A grammar error lists everything that could have stood there; only what did stand there helps. */
function shortened(message: string): string {
  const found = /^Expected .* but (.+) found\.$/s.exec(message);
  return found?.[1] === undefined ? message : `unexpected ${found[1] === "end of input" ? "end of file" : found[1]}`;
}

/**
 * Finds lines by reading the text once, statement by statement: blank, comment, `[table]`, `[[list]]` or `key = value`, where
 * a value is skipped with its strings (all four kinds), comments and brackets. The text has parsed, so nothing is checked.
 */
export function findLines(text: string): { readonly ruleLines: readonly number[]; readonly networkLines: readonly number[]; readonly keyLines: ReadonlyMap<string, number> } {
  const ruleLines: number[] = [];
  const networkLines: number[] = [];
  const keyLines = new Map<string, number>();
  let table = "";
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === "\n") line += 1;
    if (char === "\n" || char === "\r" || char === " " || char === "\t") {
      at += 1;
      continue;
    }
    const end = statementEnd(text, at);
    const statement = text.slice(at, end);
    if (statement.startsWith("[[")) {
      table = nameOf(statement.slice(2, statement.lastIndexOf("]]")));
      if (table === "rule") ruleLines.push(line);
      if (table === "network") networkLines.push(line);
    } else if (statement.startsWith("[")) {
      table = nameOf(statement.slice(1, statement.lastIndexOf("]")));
      keyLines.set(table, line);
    } else if (!statement.startsWith("#")) {
      const key = nameOf(statement.slice(0, statement.indexOf("=")));
      keyLines.set(table === "" ? key : `${table}.${key}`, line);
    }
    line += statement.split("\n").length - 1;
    at = end;
  }
  return { ruleLines, networkLines, keyLines };
}

/** Only bare and simply quoted names are told apart; others get no line of their own. */
function nameOf(text: string): string {
  return text.split(".").map((part) => part.trim().replace(/^(["'])(.*)\1$/, "$2")).join(".");
}

function statementEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text[at];
    if (char === "\n" && depth === 0) return at;
    if (char === "#") at = lineEnd(text, at);
    else if (char === '"' || char === "'") at = stringEnd(text, at);
    else {
      if (char === "[" || char === "{") depth += 1;
      if (char === "]" || char === "}") depth -= 1;
      at += 1;
    }
  }
  return at;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

/** After a string that begins at `at`: `"…"`, `'…'`, `"""…"""`, `'''…'''`; backslashes escape only in the double-quoted kinds. */
function stringEnd(text: string, at: number): number {
  const quote = text[at] ?? "";
  const fence = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
  let end = at + fence.length;
  while (end < text.length) {
    if (quote === '"' && text[end] === "\\") end += 2;
    else if (text.startsWith(fence, end)) {
      end += fence.length;
      // Up to two quotes may stand right before the closing three.
      while (fence.length === 3 && text[end] === quote) end += 1;
      return end;
    } else end += 1;
  }
  return end;
}
