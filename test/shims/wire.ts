/**
 * The broker's side of docs/protocol.md for scripted peers: bytes in, frames out, written from the document alone.
 * Strings are Buffers: the protocol carries bytes.
 */
export const FRAME = { request: 0x01, started: 0x02, finished: 0x03, failed: 0x04, late: 0x05, run: 0x11, deny: 0x12, wait: 0x13 } as const;

export type Frame = { readonly type: number; readonly body: Buffer };

export type ShimRequest = {
  readonly version: number; readonly pid: number; readonly ppid: number; readonly pgid: number; readonly sid: number; readonly uid: number;
  readonly tty: number; readonly terminal: string; readonly name: string; readonly executable: string; readonly cwd: Buffer;
  readonly argv: readonly Buffer[]; readonly environment: readonly Buffer[];
};

export type Result = { readonly kind: number; readonly code: number; readonly wallUs: number; readonly userUs: number; readonly systemUs: number; readonly maxRssKb: number };

export type RunOrder = {
  readonly id?: string; readonly closeFds?: boolean; readonly settle?: boolean; readonly prefix?: readonly string[]; readonly shell: string;
  readonly unset?: readonly string[]; readonly set?: readonly (string | Buffer)[];
  readonly room?: RoomOrder;
};

export type RoomOrder = { readonly holder: number; readonly started: number; readonly outside: number; readonly namespaces: number; readonly mounts: number; readonly lastMount: number; readonly ownSession: boolean; readonly directory: string; readonly set: readonly string[] };

const u32 = (value: number): Buffer => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
const u64 = (value: number): Buffer => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b; };
const str = (text: string | Buffer): Buffer => { const bytes = Buffer.from(text); return Buffer.concat([u32(bytes.length), bytes]); };
const list = (words: readonly (string | Buffer)[]): Buffer => Buffer.concat([u32(words.length), ...words.map(str)]);

/** A whole frame: length of type and body, type, body. */
export function frame(type: number, ...body: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([Buffer.from([type]), ...body]);
  return Buffer.concat([u32(bytes.length), bytes]);
}

export function runFrame(order: RunOrder): Buffer {
  return frame(FRAME.run, str(order.id ?? "request-1"), Buffer.from([(order.closeFds === true ? 1 : 0) | (order.settle === true ? 2 : 0) | (order.room === undefined ? 0 : 4)]), list(order.prefix ?? []), str(order.shell), list(order.unset ?? []), list(order.set ?? []), ...(order.room === undefined ? [] : roomOf(order.room)));
}

function roomOf({ holder, started, outside, namespaces, mounts, lastMount, ownSession, directory, set }: RoomOrder): readonly Buffer[] {
  return [u32(holder), u64(started), u64(outside), u32(namespaces), u32(mounts), u64(lastMount), Buffer.from([ownSession ? 1 : 0]), str(directory), list(set)];
}

export function denyFrame(status: number, message: string | Buffer): Buffer {
  return frame(FRAME.deny, Buffer.from([status]), str(message));
}

export function waitFrame(ms: number, note: string): Buffer {
  return frame(FRAME.wait, u32(ms), str(note));
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #bytes: Buffer[] = [];
  #length = 0;

  push(chunk: Buffer): readonly Frame[] {
    this.#bytes.push(chunk);
    this.#length += chunk.length;
    const frames: Frame[] = [];
    if (this.#length < 4) return frames;
    let all = Buffer.concat(this.#bytes);
    while (all.length >= 4 && all.length >= 4 + all.readUInt32LE(0)) {
      const length = all.readUInt32LE(0);
      if (length < 1) throw new Error("a frame without a type");
      frames.push({ type: all[4] as number, body: all.subarray(5, 4 + length) });
      all = all.subarray(4 + length);
    }
    this.#bytes = [all];
    this.#length = all.length;
    return frames;
  }
}

class Cursor {
  #at = 0;
  readonly #body: Buffer;
  constructor(body: Buffer) { this.#body = body; }
  u8(): number { return this.#body.readUInt8(this.#at++); }
  u32(): number { this.#at += 4; return this.#body.readUInt32LE(this.#at - 4); }
  u64(): number { this.#at += 8; return Number(this.#body.readBigUInt64LE(this.#at - 8)); }
  str(): Buffer { const length = this.u32(); this.#at += length; if (this.#at > this.#body.length) throw new Error("a string runs over the frame"); return this.#body.subarray(this.#at - length, this.#at); }
  list(): Buffer[] { return Array.from({ length: this.u32() }, () => this.str()); }
  end(): void { if (this.#at !== this.#body.length) throw new Error(`${this.#body.length - this.#at} bytes left over`); }
}

export function readRequest(body: Buffer): ShimRequest {
  const c = new Cursor(body);
  const request = {
    version: c.u32(), pid: c.u32(), ppid: c.u32(), pgid: c.u32(), sid: c.u32(), uid: c.u32(), tty: c.u8(), terminal: c.str().toString(),
    name: c.str().toString(), executable: c.str().toString(), cwd: c.str(), argv: c.list(), environment: c.list(),
  };
  c.end();
  return request;
}

export function readStarted(body: Buffer): number {
  const c = new Cursor(body);
  const pid = c.u32();
  c.end();
  return pid;
}

export function readFinished(body: Buffer): Result {
  const c = new Cursor(body);
  const result = readResult(c);
  c.end();
  return result;
}

export function readLate(body: Buffer): { readonly id: string; readonly result: Result } {
  const c = new Cursor(body);
  const late = { id: c.str().toString(), result: readResult(c) };
  c.end();
  return late;
}

export function readFailed(body: Buffer): string {
  const c = new Cursor(body);
  const reason = c.str().toString();
  c.end();
  return reason;
}

function readResult(c: Cursor): Result {
  return { kind: c.u8(), code: c.u32(), wallUs: c.u64(), userUs: c.u64(), systemUs: c.u64(), maxRssKb: c.u64() };
}
