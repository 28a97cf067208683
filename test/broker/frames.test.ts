import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeShimFrame, encodeBrokerFrame, FrameSplitter, type EndReport, type ShimFrame } from "../../src/broker/frames.ts";
import { decodeBrokerFrame, encodeFailed, encodeFinished, encodeLate, encodeRequest, encodeStarted, type RequestFields } from "../../src/broker/shim-side.ts";
import { FrameError } from "../../src/broker/wire.ts";

const request: RequestFields = {
  pid: 10, ppid: 9, pgid: 10, sid: 8, uid: 1000, ttyBits: 5, terminal: "/dev/pts/3", name: "bash", executable: "/r/shims/bash",
  cwd: "/w", argv: ["bash", "-c", "echo ü"], environment: ["A=1", "B=x=y"],
};

function decodeOne(bytes: Buffer): ShimFrame {
  const [frame] = new FrameSplitter().push(bytes);
  if (frame === undefined) throw new Error("no frame");
  return decodeShimFrame(frame.type, frame.body);
}

describe("byte layout", () => {
  test("RUN, DENY and WAIT are what docs/protocol.md says", () => {
    expect(encodeBrokerFrame({ type: "deny", status: 126, message: "no" }).toString("hex")).toBe("08000000" + "12" + "7e" + "02000000" + "6e6f");
    expect(encodeBrokerFrame({ type: "wait", ms: 1, note: "" }).toString("hex")).toBe("09000000" + "13" + "01000000" + "00000000");
    expect(encodeBrokerFrame({ type: "run", id: "i", closeFds: true, settle: false, prefix: ["p"], shell: "/s", unset: [], set: ["A=1"], room: undefined }).toString("hex")).toBe(
      "25000000" + "11" + "0100000069" + "01" + "01000000" + "0100000070" + "020000002f73" + "00000000" + "01000000" + "03000000413d31",
    );
  });

  test("REQUEST is read field by field", () => {
    expect(decodeOne(encodeRequest(request))).toEqual({
      type: "request", pid: 10, ppid: 9, pgid: 10, sid: 8, uid: 1000,
      tty: { stdin: true, stdout: false, stderr: true, controlling: "/dev/pts/3" },
      shell: "bash", executable: "/r/shims/bash", argv: ["bash", "-c", "echo ü"], cwd: "/w",
      env: new Map([["A", "1"], ["B", "x=y"]]), unreadable: undefined,
    });
  });

  test.each([
    ["argument", { ...request, argv: ["bash", "-c", Buffer.from([0xff])] }, "an argument is not valid UTF-8"],
    ["directory", { ...request, cwd: Buffer.from([0x2f, 0xc3]) }, "the working directory is not valid UTF-8"],
    ["no directory", { ...request, cwd: "" }, "the working directory is not known"],
    ["environment", { ...request, environment: [Buffer.from([0x41, 0x3d, 0xff])] }, "the environment is not valid UTF-8"],
    ["two values of one name", { ...request, environment: ["A=1", "A=2"] }, "the environment gives a variable twice"],
    ["no argv", { ...request, argv: [] }, "there is no argv[0]"],
  ])("%s: text that is not exactly what the shim holds is marked", (_name, fields, reason) => {
    expect(decodeOne(encodeRequest(fields))).toMatchObject({ unreadable: reason });
  });
});

describe("malformed", () => {
  const good = encodeRequest(request);
  test.each([
    ["a length of 0", Buffer.from("00000000", "hex")],
    ["a length beyond the limit", Buffer.from("ffffffff", "hex")],
    ["an unknown type", Buffer.from("0100000099", "hex")],
    ["a frame of the broker", Buffer.from("0100000011", "hex")],
    ["bytes left over", lengthened(good)],
    ["a list that claims too much", Buffer.concat([Buffer.from([good.readUInt32LE(0), 0, 0, 0]), good.subarray(4, -19), Buffer.from("ffffffff", "hex"), good.subarray(-15)])],
    ["another version", encodeRequest({ ...request, version: 2 })],
    ["a shell we do not know", encodeRequest({ ...request, name: "fish" })],
    ["a way to end that is none", Buffer.concat([Buffer.from("26000000" + "03" + "02", "hex"), Buffer.alloc(36)])],
    ["a number beyond 2^53", Buffer.concat([Buffer.from("26000000" + "03" + "00" + "00000000", "hex"), Buffer.alloc(32, 0xff)])],
  ])("%s throws FrameError", (_name, bytes) => {
    expect(() => decodeOne(bytes)).toThrow(FrameError);
  });

  function lengthened(frame: Buffer): Buffer {
    const copy = Buffer.concat([frame, Buffer.from([0])]);
    copy.writeUInt32LE(frame.readUInt32LE(0) + 1, 0);
    return copy;
  }

  test("every proper prefix of a body throws, never returns", () => {
    const body = good.subarray(5);
    for (let length = 0; length < body.length; length += 1) expect(() => decodeShimFrame(1, body.subarray(0, length))).toThrow(FrameError);
  });

  test("any bytes: a frame or FrameError, nothing else", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 }), (type, body) => {
        try {
          decodeShimFrame(type, Buffer.from(body));
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("round trips", () => {
  const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const u64 = fc.maxSafeNat();
  const usage = fc.record({ wallUs: u64, userUs: u64, systemUs: u64, maxRssKb: u64 });
  const end: fc.Arbitrary<EndReport> = fc.oneof(
    fc.record({ kind: fc.constant("exited" as const), code: u32, usage }),
    fc.record({ kind: fc.constant("signalled" as const), signal: u32, usage }),
  );
  const text = fc.string({ unit: "grapheme", maxLength: 20 });

  test("what a shim sends", () => {
    fc.assert(
      fc.property(u32, end, text, (pid, end, id) => {
        expect(decodeOne(encodeStarted(pid))).toEqual({ type: "started", pid });
        expect(decodeOne(encodeFinished(end))).toEqual({ type: "finished", end });
        expect(decodeOne(encodeFailed(id))).toEqual({ type: "failed", reason: id });
        expect(decodeOne(encodeLate(id, end))).toEqual({ type: "late", id, end });
      }),
      { numRuns: 100 },
    );
  });

  test("what the broker sends", () => {
    const room = fc.record({ holder: u32, started: fc.nat(), outside: fc.nat(), namespaces: u32, mounts: u32, lastMount: fc.nat(), ownSession: fc.boolean(), directory: text, set: fc.array(text) });
    const frames = fc.oneof(
      fc.record({ type: fc.constant("run" as const), id: text, closeFds: fc.boolean(), settle: fc.boolean(), prefix: fc.array(text), shell: text, unset: fc.array(text), set: fc.array(text), room: fc.option(room, { nil: undefined }) }),
      fc.record({ type: fc.constant("deny" as const), status: fc.integer({ min: 0, max: 255 }), message: text }),
      fc.record({ type: fc.constant("wait" as const), ms: u32, note: text }),
    );
    fc.assert(
      fc.property(frames, (frame) => {
        const [cut] = new FrameSplitter().push(encodeBrokerFrame(frame));
        expect(cut === undefined ? undefined : decodeBrokerFrame(cut.type, cut.body)).toEqual(frame);
      }),
      { numRuns: 200 },
    );
  });

  test("frames come out whole however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (reasons, cuts) => {
        const stream = Buffer.concat(reasons.map(encodeFailed));
        const splitter = new FrameSplitter();
        const seen: ShimFrame[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          for (const { type, body } of splitter.push(stream.subarray(at, at + size))) seen.push(decodeShimFrame(type, body));
          at += size;
        }
        expect(seen).toEqual(reasons.map((reason) => ({ type: "failed", reason })));
        expect(splitter.held).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
