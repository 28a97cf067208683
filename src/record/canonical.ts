/**
 * The one spelling of a record: what is hashed is what is written, byte for byte.
 */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * In: a JSON value; members that are `undefined` are left out. Out: JSON with sorted keys and no blanks (RFC 8785 for the
 * values we write: strings, safe integers, booleans). Throws TypeError for numbers that JSON cannot hold: a bug of ours.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "string" || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError("a record holds a number that JSON cannot express");
    return JSON.stringify(value);
  }
  let text = "";
  if (isList(value)) {
    for (const item of value) text += `${text === "" ? "" : ","}${canonicalJson(item)}`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) text += `${text === "" ? "" : ","}${quotedKey(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

const quotedKeys = new Map<string, string>();

/** The names of members are few: those of the types in entries.ts. */
function quotedKey(key: string): string {
  const known = quotedKeys.get(key);
  if (known !== undefined) return known;
  const quoted = JSON.stringify(key);
  if (quotedKeys.size < 1_000) quotedKeys.set(key, quoted);
  return quoted;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
