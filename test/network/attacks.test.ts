/** What a hostile command tries at its gate: spellings, rebinding, smuggling, floods, and what it can make of a held connection. */
import { connect, type Socket } from "node:net";
import { createHash } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import type { GateOptions, Leave, Sought } from "../../src/network/index.ts";
import { LIMITS } from "../../src/model/index.ts";
import { open, serve, serveHttp, socks, talk, type Opened } from "./support.ts";

const closing: (() => void)[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });
const kept = async <T extends { close(): void }>(made: Promise<T>): Promise<T> => {
  const one = await made;
  closing.push(() => one.close());
  return one;
};
const gateTo = (allow: readonly string[], more: Partial<Parameters<typeof open>[0]> = {}): Promise<Opened> => kept(open({ allow, names: { "a.example": ["127.0.0.1"] }, ...more }));
const HERE = ["a.example", "127.0.0.0/8"] as const;
const status = (answer: string): string => answer.split("\r\n")[0] ?? "";
const to = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\n\r\n`;

describe("this machine, in every spelling", () => {
  const SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "127.0.0.1.", "127。0。0。1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "0", "0.0.0.0", "localhost", "LOCALHOST.", "sub.localhost",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "169.254.169.254", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1",
  ];
  test.each(SPELLINGS)("%s", async (host) => {
    const reached: number[] = [];
    const upstream = await kept(serve((socket) => { reached.push(1); socket.end("reached"); }, "0.0.0.0"));
    const { path, asked, events } = await gateTo(["a.example", "*.example"]);
    const utf8 = Buffer.from(host, "utf8").toString("latin1");
    const answers = [
      await talk(path, Buffer.from(to(`${utf8}:${upstream.port}`), "latin1")),
      await talk(path, Buffer.from(`GET http://${utf8}:${upstream.port}/ HTTP/1.1\r\nHost: a.example\r\n\r\n`, "latin1")),
    ];
    for (const answer of answers) expect(status(answer)).toMatch(/^HTTP\/1\.1 40[03] /);
    expect((await talk(path, socks(host.replace(/^\[|\]$/g, ""), upstream.port))).slice(0, 3)).toBe("\x05\x00\x05");
    expect([reached, asked, events.every(({ outcome }) => outcome === "refused")]).toEqual([[], [], true]);
  });

  test.each<[string, string]>([["127.0.0.1", "loopback"], ["::1", "loopback"], ["::ffff:127.0.0.1", "loopback"], ["64:ff9b::a9fe:a9fe", "metadata"], ["fd00:ec2::254", "metadata"], ["169.254.0.9", "link-local"], ["fe80::9", "link-local"], ["fd12::9", "private"], ["10.9.9.9", "private"], ["2002:a9fe:a9fe::", "reserved"], ["198.18.0.9", "reserved"]])("a listed name that stands for %s", async (address, kind) => {
    const { path } = await gateTo(["a.example"], { names: { "a.example": [address] } });
    expect(status(await talk(path, to("a.example:443")))).toContain(`a ${kind} address`);
  });
});

test("IPv6: reached when it was named, by a name or as a literal, and not when another address was", async (context) => {
  const upstream = await serve((socket) => socket.end("six"), "::1").catch(() => undefined);
  if (upstream === undefined) return context.skip("this machine has no IPv6 loopback");
  closing.push(() => upstream.close());
  const names = { "a.example": ["::1"] };
  for (const [allow, authority, reached] of [[["a.example", "::1"], "a.example", true], [["[::1]"], "[::1]", true], [["::/127"], "[0::1]", true], [["a.example", "::2"], "a.example", false], [["a.example"], "[::1]", false], [["[::1]:1"], "[::1]", false]] as const) {
    const { path } = await gateTo(allow, { names });
    const answer = await talk(path, to(`${authority}:${upstream.port}`));
    expect([allow, authority, answer.endsWith("six")]).toEqual([allow, authority, reached]);
    if (!reached) expect(status(answer)).toContain(" 403 ");
  }
});

describe("ports", () => {
  test.each([22, 25, 23, 6379, 65_535])("%i of a host that was given at another one", async (port) => {
    const { path, asked } = await gateTo(["a.example:443", "127.0.0.1"]);
    expect(status(await talk(path, to(`a.example:${port}`)))).toContain(" 403 ");
    expect((await talk(path, socks("a.example", port))).charCodeAt(3)).toBe(2);
    expect(asked).toEqual([]);
  });
});

describe("two readings of one message", () => {
  const SECOND = "GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n";
  test.each<[string, string]>([
    ["a blank before the colon", `Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SECOND}`], ["chunked, twice", `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SECOND}`], ["an unknown coding", `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SECOND}`],
    ["a folded header", `X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n${SECOND}`], ["a signed length", `Content-Length: +4\r\n\r\nbody${SECOND}`], ["two lengths in one", `Content-Length: 4, 4\r\n\r\nbody${SECOND}`], ["a NUL", `X: a\0b\r\nContent-Length: 0\r\n\r\n${SECOND}`],
    ["a chunk extension with a line feed", `Transfer-Encoding: chunked\r\n\r\n4;a=\nb\r\nbody\r\n0\r\n\r\n${SECOND}`], ["a header that names the next", `Connection: Content-Length\r\nContent-Length: ${SECOND.length}\r\n\r\n${SECOND}`], ["a trailer", `Transfer-Encoding: chunked\r\nTrailer: Host\r\n\r\n0\r\nHost: evil.example\r\n\r\n`],
  ])("%s: nothing of it is another request there", async (_, rest) => {
    const upstream = await kept(serveHttp());
    const { path } = await gateTo(HERE);
    // Whatever follows is this client's own next request, to be read by us.
    await talk(path, `POST http://a.example:${upstream.port}/first HTTP/1.1\r\n${rest}`, { until: (text) => (text.match(/HTTP\/1\.1 [1-5]/g) ?? []).length >= 2 || / 400 /.test(text) || text.includes("body=") });
    expect(upstream.seen.filter((line) => !line.startsWith("POST /first ") || line.includes("evil"))).toEqual([]);
  });

  test.each<[string, string]>([["another `Host`", "Host: evil.example\r\nHost: worse.example"], ["a forwarded host", "X-Forwarded-Host: evil.example"]])("%s does not choose the site", async (_, header) => {
    const upstream = await kept(serveHttp());
    const { path } = await gateTo(HERE);
    const answer = await talk(path, `GET http://a.example:${upstream.port}/ HTTP/1.1\r\n${header}\r\nConnection: close\r\n\r\n`);
    if (status(answer).includes(" 200 ")) expect(answer).toContain(`host=a.example:${upstream.port} `);
    expect(upstream.seen.every((line) => line.endsWith(` a.example:${upstream.port}`))).toBe(true);
  });

  test.each<[string, string]>([
    ["lengths that differ", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"], ["length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"], ["a header with a line feed", "HTTP/1.1 200 OK\r\nX: a\nSet: b\rc\r\n\r\n"], ["no status", "HELLO\r\n\r\n"], ["101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nfree bytes"],
  ])("an answer with %s is not passed on", async (_, answer) => {
    const upstream = await kept(serve((socket) => socket.once("data", () => socket.end(answer))));
    const { path } = await gateTo(HERE);
    const got = await talk(path, `GET http://a.example:${upstream.port}/ HTTP/1.1\r\nConnection: close\r\n\r\n`);
    expect(got).not.toContain("free bytes");
    expect(got.match(/HTTP\/1\.1 \d/g)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(status(got)).toMatch(/ 502 | 200 OK$|^$/);
    if (status(got).includes(" 200 ")) expect(got).not.toContain("Set: b\r\n");
  });

  test("what follows CONNECT before its answer is for the tunnel, never a request to us", async () => {
    const upstream = await kept(serve((socket) => socket.once("data", (chunk: Buffer) => socket.end(`got ${chunk.toString()}`))));
    const { path, events } = await gateTo(HERE);
    expect(await talk(path, `CONNECT a.example:${upstream.port} HTTP/1.1\r\nContent-Length: 5\r\n\r\nCONNECT evil.example:1 HTTP/1.1\r\n\r\n`, { half: true })).toBe("HTTP/1.1 200 Connection Established\r\n\r\ngot CONNECT evil.example:1 HTTP/1.1\r\n\r\n");
    expect(events.map(({ target }) => target?.host)).toEqual(["a.example"]);
  });

  test("a refusal is one line of ASCII, however long and odd the host", async () => {
    const { path } = await gateTo([]);
    for (const host of [`${"x".repeat(60)}.`.repeat(4).slice(0, -1), "xn--bcher-kva.example", "a_b.example"]) {
      const answer = await talk(path, to(`${host}:443`));
      expect(status(answer)).toMatch(/^HTTP\/1\.1 403 [\x20-\x7e]{20,1300}$/);
      expect(answer.split("\r\n\r\n")[0]?.split("\r\n").slice(1).every((line) => /^[A-Z][A-Za-z-]+: [\x20-\x7e]+$/.test(line))).toBe(true);
    }
  });
});

describe("other protocols", () => {
  test("a websocket goes through a tunnel; asked for by plain HTTP it is an ordinary request", async () => {
    const key = "dGhlIHNhbXBsZSBub25jZQ==";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const handshake = `GET /chat HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
    const upstream = await kept(serve((socket) => socket.on("data", (chunk: Buffer) => {
      if (/^upgrade: websocket\r$/im.test(chunk.toString("latin1"))) socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      else if (chunk.toString("latin1").startsWith("GET ")) socket.end("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
      // One frame, masked; it comes back unmasked.
      else socket.end(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from(chunk.subarray(6).map((byte, at) => byte ^ (chunk[2 + (at % 4)] ?? 0)))]));
    })));
    const { path } = await gateTo(HERE);
    const socket = connect(path);
    closing.push(() => socket.destroy());
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.write(to(`a.example:${upstream.port}`));
    await expect.poll(() => text).toContain("Established\r\n\r\n");
    socket.write(handshake);
    await expect.poll(() => text).toContain(accept);
    socket.write(Buffer.concat([Buffer.from([0x81, 0x85, 1, 2, 3, 4]), Buffer.from("hello").map((byte, at) => byte ^ ([1, 2, 3, 4][at % 4] ?? 0))]));
    await expect.poll(() => text).toContain("\x81\x05hello");
    expect(status(await talk(path, handshake.replace("GET /chat", `GET http://a.example:${upstream.port}/chat`)))).toContain(" 426 ");
  });

  test("a client that waits for 100 gets it, and its body arrives", async () => {
    const upstream = await kept(serveHttp());
    const { path } = await gateTo(HERE);
    expect(await talk(path, `PUT http://a.example:${upstream.port}/x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n`, { later: "body" })).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[^]* body=body\n/);
  });

  test.each<[string, (port: number) => string | Buffer]>([["CONNECT", (port) => to(`a.example:${port}`)], ["SOCKS5", (port) => socks("a.example", port)]])("through %s an upstream that says no more is still told", async (_, ask) => {
    const heard: string[] = [];
    const upstream = await kept(serve((socket) => { socket.end("bye"); socket.on("data", (chunk: Buffer) => heard.push(chunk.toString())); }));
    const { path } = await gateTo(HERE);
    const socket = connect({ path, allowHalfOpen: true });
    closing.push(() => socket.destroy());
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.write(ask(upstream.port));
    await new Promise((done) => socket.once("end", done));
    expect(text.endsWith("bye")).toBe(true);
    socket.end("one more");
    await expect.poll(() => heard.join("")).toBe("one more");
  });
});

test("256 connections at once work, the next is refused, and there is room again when one ends", { timeout: 30_000 }, async () => {
  const upstream = await kept(serve((socket) => socket.on("data", (chunk: Buffer) => socket.write(chunk)).on("end", () => socket.end())));
  const { path, events } = await gateTo(HERE);
  const sockets: Socket[] = [];
  closing.push(() => sockets.forEach((socket) => socket.destroy()));
  const answers = Array.from({ length: LIMITS.networkConnections }, (_, at) => new Promise<string>((done) => {
    const socket = connect(path);
    sockets.push(socket);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (text.endsWith(`echo ${at}.`)) done(text.split("\r\n\r\n")[1] ?? "");
    });
    socket.write(`${to(`a.example:${upstream.port}`)}echo ${at}.`);
  }));
  expect(await Promise.all(answers)).toEqual(Array.from({ length: LIMITS.networkConnections }, (_, at) => `echo ${at}.`));
  expect(await talk(path, to(`a.example:${upstream.port}`))).toBe("");
  expect(events.map(({ outcome, reason }) => [outcome, reason])).toEqual([["refused", "too many connections at once"]]);
  sockets[0]?.destroy();
  await expect.poll(() => events.length).toBe(2);
  await expect.poll(async () => status(await talk(path, to(`a.example:${upstream.port}`), { until: (text) => text.includes("\r\n\r\n") }))).toContain(" 200 ");
});

describe("somebody decides", () => {
  type Held = { readonly sought: Sought; readonly answer: (leave: Leave) => void; readonly signal: AbortSignal };
  const deciding = async (allow: readonly string[], names?: Parameters<typeof open>[0]["names"]): Promise<Opened & { readonly held: Held[] }> => {
    const held: Held[] = [];
    const decide: NonNullable<GateOptions["decide"]> = (sought, signal) => new Promise((answer) => held.push({ sought, answer, signal }));
    const opened = await gateTo(allow, { decide, ...(names === undefined ? {} : { names }) });
    return { ...opened, held };
  };
  const hosts = ["b.example", "127.0.0.1"];

  test.each<[string, (authority: string, port: number) => string | Buffer, Partial<Sought>]>([
    ["CONNECT", (authority) => to(authority), { protocol: "connect", method: "CONNECT" }], ["plain HTTP", (authority) => `DELETE http://${authority}/ HTTP/1.1\r\n\r\n`, { protocol: "http", method: "DELETE" }], ["SOCKS5", (_, port) => socks("b.example", port), { protocol: "socks5", method: "CONNECT" }],
  ])("%s is held, nothing is looked up, and a yes lets it go on", async (_, ask, sought) => {
    const upstream = await kept(serveHttp());
    const { path, held, asked } = await deciding(["a.example"], { "b.example": ["127.0.0.1"] });
    const answer = talk(path, ask(`b.example:${upstream.port}`, upstream.port), { until: (text) => /Established|200 OK|\x05\x00\x05\x00/.test(text) });
    await expect.poll(() => held.length).toBe(1);
    expect(held[0]?.sought).toEqual({ target: { host: "b.example", port: upstream.port }, listed: false, askable: true, holdMs: LIMITS.connectionHoldMs, ...sought });
    expect(asked).toEqual([]);
    held[0]?.answer({ kind: "allowed", hosts });
    expect(await answer).toMatch(/Established|200 OK|\x05\x00\x05\x00/);
  });

  test("a yes opens what it names and nothing else: not another port, not this machine, not another name", async () => {
    const upstream = await kept(serve((socket) => socket.end("reached")));
    const { path, held } = await deciding([], { "b.example": ["127.0.0.1"] });
    for (const given of [[], ["c.example"], [`b.example:${upstream.port + 1}`], ["b.example"]]) {
      const answer = talk(path, to(`b.example:${upstream.port}`));
      await expect.poll(() => held.length).toBe(1);
      held.pop()?.answer({ kind: "allowed", hosts: given });
      expect(status(await answer)).toContain(" 403 ");
    }
  });

  test("addresses and this machine's names are no question; a host that was given is one only for a rule", async () => {
    const { path, held } = await deciding(["a.example"], { "a.example": ["127.0.0.1"] });
    const sent = [to("9.9.9.9:443"), to("[2606:4700::1111]:443"), to("localhost:443"), to("x.localhost:443"), to("a.example:443"), to("b.example:443")];
    for (const bytes of sent) void talk(path, bytes);
    await expect.poll(() => held.length).toBe(sent.length);
    const found = new Map(held.map(({ sought }) => [sought.target.host, [sought.listed, sought.askable]]));
    expect(found).toEqual(new Map([["9.9.9.9", [false, false]], ["2606:4700::1111", [false, false]], ["localhost", [false, false]], ["x.localhost", [false, false]], ["a.example", [true, true]], ["b.example", [false, true]]]));
  });

  test("a client that gives up early is held for less", async () => {
    const { path, held } = await deciding([]);
    void talk(path, "CONNECT b.example:443 HTTP/1.1\r\nproxy-connection: keep-alive\r\nhost: b.example:443\r\n\r\n");
    await expect.poll(() => held.length).toBe(1);
    expect(held[0]?.sought.holdMs).toBe(4_000);
  });

  test("when the command ends what is held is cut, and told as what it is", async () => {
    const { path, held, gate, events } = await deciding([]);
    const answer = talk(path, to("b.example:443"));
    await expect.poll(() => held.length).toBe(1);
    gate.close();
    expect([await answer, held[0]?.signal.aborted]).toEqual(["", true]);
    expect(events).toMatchObject([{ target: { host: "b.example" }, outcome: "failed", reason: "the command ended before there was a connection" }]);
    held[0]?.answer({ kind: "allowed", hosts });
    await new Promise((done) => setTimeout(done, 50));
    expect(events).toHaveLength(1);
  });
});

