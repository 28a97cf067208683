import { DIALECTS, LIMITS, type Dialect, type Tty, type Usage } from "../model/index.ts";
import type { Entry } from "../sandbox/index.ts";
import { BodyReader, BodyWriter, FrameError, type Text } from "./wire.ts";

/** What a REQUEST frame says: a start of a shell, before the broker gives it an id. */
export type RequestFrame = {
  readonly type: "request";
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly uid: number;
  readonly tty: Tty;
  readonly shell: Dialect;
  readonly executable: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
  /** Why the text above is not exactly what the shim holds (invalid UTF-8, a name given twice); undefined when it is. */
  readonly unreadable: string | undefined;
};

/** How a child ended, as wait4(2) told the shim. */
export type EndReport = { readonly kind: "exited"; readonly code: number; readonly usage: Usage } | { readonly kind: "signalled"; readonly signal: number; readonly usage: Usage };

export type ShimFrame =
  | RequestFrame
  | { readonly type: "started"; readonly pid: number }
  | { readonly type: "finished"; readonly end: EndReport }
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "late"; readonly id: string; readonly end: EndReport }
  /** A gated shell: what follows are fields (gate-wire.ts). */
  | { readonly type: "gate"; readonly token: string };

export type BrokerFrame =
  | { readonly type: "run"; readonly id: string; readonly closeFds: boolean; readonly settle: boolean; readonly prefix: readonly string[]; readonly shell: string; readonly unset: readonly string[]; readonly set: readonly string[]; readonly room: Entry | undefined }
  | { readonly type: "deny"; readonly status: number; readonly message: string }
  | { readonly type: "wait"; readonly ms: number; readonly note: string }
  | { readonly type: "note"; readonly text: string };

const TYPES = { request: 0x01, started: 0x02, finished: 0x03, failed: 0x04, late: 0x05, gate: 0x06, run: 0x11, deny: 0x12, wait: 0x13, note: 0x14 } as const;

const PROTOCOL_VERSION = 1;

/**
 * Cuts a byte stream into frames. `push` takes what arrived and returns the frames that are complete.
 * Throws FrameError for a length of 0 or beyond `limit`; nothing may be pushed after that.
 */
export class FrameSplitter {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #held = 0;

  constructor(limit: number = LIMITS.frameBytes) {
    this.#limit = limit;
  }

  /** Bytes of a frame that is not complete yet. */
  get held(): number {
    return this.#held;
  }

  push(chunk: Buffer): readonly { readonly type: number; readonly body: Buffer }[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const frames: { type: number; body: Buffer }[] = [];
    for (;;) {
      const length = this.#peekLength();
      if (length === undefined || this.#held < 4 + length) return frames;
      const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
      frames.push({ type: all.readUInt8(4), body: all.subarray(5, 4 + length) });
      const rest = all.subarray(4 + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#held = rest.length;
    }
  }

  /** Length of the frame at the front, as soon as its four bytes are there. */
  #peekLength(): number | undefined {
    if (this.#held < 4) return undefined;
    let first = this.#chunks[0] ?? Buffer.alloc(0);
    if (first.length < 4) {
      // Only so many chunks as hold the length are joined: a frame that arrives byte by byte costs linear time.
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    const length = first.readUInt32LE(0);
    if (length === 0) throw new FrameError("a frame without a type");
    if (length > this.#limit) throw new FrameError(`a frame of ${length} bytes, more than ${this.#limit}`);
    return length;
  }
}

/** In: type and body of a frame that a shim sent. Out: what it says. Throws FrameError on anything else. */
export function decodeShimFrame(type: number, body: Buffer): ShimFrame {
  const reader = new BodyReader(body);
  const frame = shimFrame(type, reader);
  reader.end();
  return frame;
}

function shimFrame(type: number, reader: BodyReader): ShimFrame {
  switch (type) {
    case TYPES.request:
      return requestFrame(reader);
    case TYPES.started:
      return { type: "started", pid: reader.u32() };
    case TYPES.finished:
      return { type: "finished", end: endReport(reader) };
    case TYPES.failed:
      return { type: "failed", reason: reader.str().text };
    case TYPES.late:
      return { type: "late", id: reader.str().text, end: endReport(reader) };
    case TYPES.gate:
      return { type: "gate", token: reader.str().text };
    default:
      throw new FrameError(`type 0x${type.toString(16).padStart(2, "0")} is not one that a shim sends`);
  }
}

function endReport(reader: BodyReader): EndReport {
  const kind = reader.u8();
  const value = reader.u32();
  const usage = { wallUs: reader.u64(), userUs: reader.u64(), systemUs: reader.u64(), maxRssKb: reader.u64() };
  if (kind === 0) return { kind: "exited", code: value, usage };
  if (kind === 1) return { kind: "signalled", signal: value, usage };
  throw new FrameError(`${kind} is not a way to end`);
}

function requestFrame(reader: BodyReader): RequestFrame {
  const version = reader.u32();
  if (version !== PROTOCOL_VERSION) throw new FrameError(`the shim speaks protocol ${version}, this broker ${PROTOCOL_VERSION}`);
  const [pid, ppid, pgid, sid, uid] = [reader.u32(), reader.u32(), reader.u32(), reader.u32(), reader.u32()];
  const bits = reader.u8();
  const controlling = reader.str();
  const name = reader.str();
  const executable = reader.str();
  const cwd = reader.str();
  const argv = reader.list();
  const environment = reader.list();
  const shell = DIALECTS.find((dialect) => dialect === name.text);
  if (shell === undefined) throw new FrameError("the shim has a name that is no shell's");
  const env = readEnvironment(environment);
  return {
    type: "request",
    pid, ppid, pgid, sid, uid,
    tty: { stdin: (bits & 1) !== 0, stdout: (bits & 2) !== 0, stderr: (bits & 4) !== 0, controlling: controlling.text === "" ? undefined : controlling.text },
    shell,
    executable: executable.text,
    argv: argv.map((word) => word.text),
    cwd: cwd.text,
    env: env.variables,
    unreadable: unreadable(argv, cwd) ?? env.unreadable,
  };
}

function unreadable(argv: readonly Text[], cwd: Text): string | undefined {
  if (argv.some((word) => !word.valid)) return "an argument is not valid UTF-8";
  if (!cwd.valid) return "the working directory is not valid UTF-8";
  // getcwd(2) of a directory that was removed or lies outside of the root.
  if (!cwd.text.startsWith("/")) return "the working directory is not known";
  return argv.length === 0 ? "there is no argv[0]" : undefined;
}

/**
 * In: the entries as execve(2) passes them. Out: the variables; entries without a name are left out, as shells do.
 * SECURITY: with one name given twice, two programs may see two values; what was judged would not be what runs.
 */
function readEnvironment(entries: readonly Text[]): { readonly variables: ReadonlyMap<string, string>; readonly unreadable: string | undefined } {
  const variables = new Map<string, string>();
  let problem: string | undefined;
  for (const { text, valid } of entries) {
    if (!valid) problem ??= "the environment is not valid UTF-8";
    const equals = text.indexOf("=");
    if (equals <= 0) continue;
    const name = text.slice(0, equals);
    const value = text.slice(equals + 1);
    if (variables.has(name) && variables.get(name) !== value) problem ??= "the environment gives a variable twice";
    variables.set(name, value);
  }
  return { variables, unreadable: problem };
}

/** In: a frame for the shim. Out: its bytes. */
export function encodeBrokerFrame(frame: BrokerFrame): Buffer {
  const writer = new BodyWriter();
  switch (frame.type) {
    case "run":
      writer.str(frame.id).u8((frame.closeFds ? 1 : 0) | (frame.settle ? 2 : 0) | (frame.room === undefined ? 0 : 4)).list(frame.prefix).str(frame.shell).list(frame.unset).list(frame.set);
      return (frame.room === undefined ? writer : writeRoom(writer, frame.room)).frame(TYPES.run);
    case "deny":
      return writer.u8(frame.status).str(frame.message).frame(TYPES.deny);
    case "wait":
      return writer.u32(frame.ms).str(frame.note).frame(TYPES.wait);
    case "note":
      return writer.str(frame.text).frame(TYPES.note);
  }
}

function writeRoom(writer: BodyWriter, { holder, started, outside, namespaces, mounts, lastMount, ownSession, directory, set }: Entry): BodyWriter {
  return writer.u32(holder).u64(started).u64(outside).u32(namespaces).u32(mounts).u64(lastMount).u8(ownSession ? 1 : 0).str(directory).list(set);
}
