import type { Entry } from "../sandbox/index.ts";
import { BodyReader, BodyWriter, FrameError } from "./wire.ts";
import type { BrokerFrame, EndReport } from "./frames.ts";

/**
 * The shim's half of docs/protocol.md, for programs that stand in for a shim: measurements and tests of a live broker.
 * What a shim says is given as bytes where it carries bytes.
 */
export type RequestFields = {
  readonly version?: number;
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly uid: number;
  readonly ttyBits: number;
  readonly terminal: string;
  readonly name: string;
  readonly executable: string;
  readonly cwd: string | Buffer;
  readonly argv: readonly (string | Buffer)[];
  readonly environment: readonly (string | Buffer)[];
};

export function encodeRequest(fields: RequestFields): Buffer {
  return new BodyWriter()
    .u32(fields.version ?? 1).u32(fields.pid).u32(fields.ppid).u32(fields.pgid).u32(fields.sid).u32(fields.uid)
    .u8(fields.ttyBits).str(fields.terminal).str(fields.name).str(fields.executable).str(fields.cwd)
    .list(fields.argv).list(fields.environment)
    .frame(0x01);
}

export function encodeStarted(pid: number): Buffer {
  return new BodyWriter().u32(pid).frame(0x02);
}

export function encodeFinished(end: EndReport): Buffer {
  return writeEnd(new BodyWriter(), end).frame(0x03);
}

export function encodeFailed(reason: string): Buffer {
  return new BodyWriter().str(reason).frame(0x04);
}

export function encodeLate(id: string, end: EndReport): Buffer {
  return writeEnd(new BodyWriter().str(id), end).frame(0x05);
}

function writeEnd(writer: BodyWriter, end: EndReport): BodyWriter {
  const value = end.kind === "exited" ? end.code : end.signal;
  return writer.u8(end.kind === "exited" ? 0 : 1).u32(value).u64(end.usage.wallUs).u64(end.usage.userUs).u64(end.usage.systemUs).u64(end.usage.maxRssKb);
}

/** In: type and body of a frame that the broker sent. Out: what it says. Throws FrameError on anything else. */
export function decodeBrokerFrame(type: number, body: Buffer): BrokerFrame {
  const reader = new BodyReader(body);
  const frame = brokerFrame(type, reader);
  reader.end();
  return frame;
}

function brokerFrame(type: number, reader: BodyReader): BrokerFrame {
  const texts = (): readonly string[] => reader.list().map((entry) => entry.text);
  switch (type) {
    case 0x11:
      return runFrame(reader, texts);
    case 0x12:
      return { type: "deny", status: reader.u8(), message: reader.str().text };
    case 0x13:
      return { type: "wait", ms: reader.u32(), note: reader.str().text };
    default:
      throw new FrameError(`type 0x${type.toString(16)} is not one that a broker sends`);
  }
}

function runFrame(reader: BodyReader, texts: () => readonly string[]): BrokerFrame {
  const id = reader.str().text;
  const flags = reader.u8();
  return { type: "run", id, closeFds: (flags & 1) !== 0, settle: (flags & 2) !== 0, prefix: texts(), shell: reader.str().text, unset: texts(), set: texts(), room: (flags & 4) === 0 ? undefined : readRoom(reader, texts) };
}

function readRoom(reader: BodyReader, texts: () => readonly string[]): Entry {
  return { holder: reader.u32(), started: reader.u64(), outside: reader.u64(), namespaces: reader.u32(), mounts: reader.u32(), lastMount: reader.u64(), ownSession: reader.u8() === 1, directory: reader.str().text, set: texts() };
}
