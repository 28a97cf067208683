import { isUtf8 } from "node:buffer";

/** A frame that does not follow docs/protocol.md. The connection ends; the message says what was wrong. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Text of a `str`, and whether its bytes were valid UTF-8 (else invalid bytes are shown as U+FFFD). */
export type Text = { readonly text: string; readonly valid: boolean };

/** Reads the body of one frame: every read is bounded by the body, and `end` insists that nothing is left over. */
export class BodyReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new FrameError(`the frame ends ${count - (this.#bytes.length - at)} bytes early`);
    this.#at = at + count;
    return at;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  /** A u64 as a number; what a double cannot hold exactly is malformed (no duration or size is that large). */
  u64(): number {
    const value = this.#bytes.readBigUInt64LE(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError("a number is larger than 2^53");
    return Number(value);
  }

  str(): Text {
    const length = this.u32();
    const start = this.#take(length);
    const slice = this.#bytes.subarray(start, start + length);
    return { text: slice.toString("utf8"), valid: isUtf8(slice) };
  }

  list(): readonly Text[] {
    const count = this.u32();
    // SECURITY: a count is a claim; each entry needs at least its length, so a huge count cannot make us allocate.
    if (count > (this.#bytes.length - this.#at) / 4) throw new FrameError(`a list claims ${count} entries, more than the frame can hold`);
    const entries: Text[] = [];
    for (let index = 0; index < count; index += 1) entries.push(this.str());
    return entries;
  }

  /** Asserts that the body was read to its last byte. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left !== 0) throw new FrameError(`${left} bytes are left over after the frame`);
  }
}

/** Length and type of a frame. */
const HEAD = 5;
const FIRST_ROOM = 4_096;

/** Collects the body of one frame and puts length and type before it. For one frame only. */
export class BodyWriter {
  #bytes = Buffer.allocUnsafe(FIRST_ROOM);
  #at = HEAD;

  /** Sees to it that there is room for so many bytes more. */
  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#at + count));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#at = this.#bytes.writeUInt8(value, this.#at);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
    return this;
  }

  u64(value: number): this {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigUInt64LE(BigInt(value), this.#at);
    return this;
  }

  str(value: string | Buffer): this {
    // No UTF-16 code unit takes more than three bytes.
    this.#reserve(4 + 3 * value.length);
    const length = typeof value === "string" ? this.#bytes.write(value, this.#at + 4, "utf8") : value.copy(this.#bytes, this.#at + 4);
    this.#bytes.writeUInt32LE(length, this.#at);
    this.#at += 4 + length;
    return this;
  }

  list(values: readonly (string | Buffer)[]): this {
    this.u32(values.length);
    for (const value of values) this.str(value);
    return this;
  }

  frame(type: number): Buffer {
    this.#bytes.writeUInt32LE(this.#at - HEAD + 1, 0);
    this.#bytes.writeUInt8(type, HEAD - 1);
    return this.#bytes.subarray(0, this.#at);
  }
}
