import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { LIMITS } from "../model/index.ts";

/** A file's text with its SHA-256, or that it is not there, or why it cannot be used. */
export type FileText = { readonly state: "text"; readonly text: string; readonly sha256: string } | { readonly state: "missing" } | { readonly state: "bad"; readonly message: string; readonly hint: string };

/** Who may have written a file: nobody is asked, the user (or root) alone, or root alone. */
export type Ownership = "any" | "user" | "root";

/**
 * In: a path, who must own it. Out: its text. SECURITY: never blocks and never follows what is not a plain file (a workspace
 * may hold a FIFO or a device); ownership is asked of the opened file, so that it cannot be exchanged in between.
 */
export function readText(path: string, ownership: Ownership): FileText {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | (ownership === "user" ? 0 : constants.O_NOFOLLOW));
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { state: "missing" };
    return { state: "bad", message: `the file cannot be read (${code})`, hint: code === "ELOOP" ? "replace the symbolic link by a file" : "let it be a plain file that you can read" };
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return { state: "bad", message: "it is not a plain file", hint: "replace it by a file" };
    if (stat.size > LIMITS.configBytes) return { state: "bad", message: `the file is longer than ${LIMITS.configBytes} bytes`, hint: "split it" };
    const complaint = ownerComplaint(stat, ownership);
    if (complaint !== undefined) return { state: "bad", ...complaint };
    return decode(readAll(fd, stat.size), stat.size);
  } finally {
    closeSync(fd);
  }
}

/** In: a directory. Out: the `.toml` files in it, by name; or that it is missing, or why it cannot be used. */
export function listToml(directory: string, ownership: Ownership): { readonly files: readonly string[] } | { readonly message: string; readonly hint: string } {
  try {
    const complaint = ownership === "any" ? undefined : pathComplaint(directory, ownership);
    if (complaint !== undefined) return complaint;
    return { files: readdirSync(directory).filter((name) => name.endsWith(".toml") && !name.startsWith(".")).sort().map((name) => join(directory, name)) };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return { files: [] };
    return { message: `the directory cannot be read (${code})`, hint: "let it be a directory that you can read" };
  }
}

/** A managed directory counts only if nobody but root could have put it there: so do all directories above it. */
function pathComplaint(directory: string, ownership: "user" | "root"): { readonly message: string; readonly hint: string } | undefined {
  if (ownership === "user") return ownerComplaint(statSync(directory), ownership);
  const own = lstatSync(directory);
  if (!own.isDirectory()) return { message: "it is not a directory", hint: "replace it by a directory that root owns" };
  const complaint = ownerComplaint(own, "root");
  if (complaint !== undefined) return complaint;
  for (let above = dirname(directory); ; above = dirname(above)) {
    const stat = statSync(above);
    // In a sticky directory others cannot rename or remove what root owns.
    const sticky = (stat.mode & 0o1000) !== 0;
    if (stat.uid !== 0 || (!sticky && (stat.mode & 0o022) !== 0)) return { message: `the directory \`${above}\` above it can be changed by others than root`, hint: `as root: chown root ${above} && chmod go-w ${above}` };
    if (above === "/") return undefined;
  }
}

function ownerComplaint(stat: { readonly uid: number; readonly mode: number }, ownership: Ownership): { readonly message: string; readonly hint: string } | undefined {
  switch (ownership) {
    case "any":
      return undefined;
    case "root":
      if (stat.uid === 0 && (stat.mode & 0o022) === 0) return undefined;
      return { message: "managed policy must be owned by root and not be writable by group or others", hint: "as root: chown root FILE && chmod go-w FILE" };
    case "user":
      if ((stat.uid === process.getuid?.() || stat.uid === 0) && (stat.mode & 0o002) === 0) return undefined;
      return { message: "it belongs to somebody else or can be written by everybody", hint: "chmod o-w FILE, and own it" };
  }
}

/** Reads up to one byte more than the size that was seen: a file that grew meanwhile shows. */
function readAll(fd: number, size: number): Buffer {
  const buffer = Buffer.alloc(size + 1);
  let length = 0;
  for (;;) {
    const got = readSync(fd, buffer, length, buffer.length - length, null);
    length += got;
    if (got === 0 || length === buffer.length) return buffer.subarray(0, length);
  }
}

function decode(bytes: Buffer, size: number): FileText {
  if (bytes.length !== size) return { state: "bad", message: "the file changed while it was read", hint: "try again" };
  try {
    return { state: "text", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), sha256: sha256(bytes) };
  } catch {
    return { state: "bad", message: "the file is not valid UTF-8", hint: "save it as UTF-8" };
  }
}

/** In: bytes or UTF-8 text. Out: SHA-256, lower-case hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
}
