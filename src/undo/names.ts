/**
 * A path or name byte for byte: each character stands for one byte. File names need not be text, and one that was read as
 * text and written back would be another file.
 */
export type Bytes = string & { readonly __brand: "Bytes" };

/** In: text, as the analysis has it. Out: its bytes. */
export function bytesOf(text: string): Bytes {
  return Buffer.from(text, "utf8").toString("latin1") as Bytes;
}

/** Out: as text, for people and records; what is no UTF-8 is replaced. */
export function textOf(bytes: Bytes): string {
  return isPlain(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

/** Out: what the system's calls take. */
export function forSystem(bytes: Bytes): string | Buffer {
  return isPlain(bytes) ? bytes : Buffer.from(bytes, "latin1");
}

/** In: a directory and a name in it. */
export function below(directory: Bytes, name: string): Bytes {
  return `${directory}/${name}` as Bytes;
}

export function parentOf(path: Bytes): Bytes {
  return path.slice(0, path.lastIndexOf("/")) as Bytes;
}

export function nameOf(path: Bytes): Bytes {
  return path.slice(path.lastIndexOf("/") + 1) as Bytes;
}

/** In: absolute paths without `.` and `..`. Out: whether the first is the second or lies below it. */
export function isWithin(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

function isPlain(bytes: string): boolean {
  return /^[\x00-\x7f]*$/.test(bytes);
}
