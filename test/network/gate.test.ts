import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { open, serve, serveHttp, socks, talk, type Opened, type Upstream } from "./support.ts";

const closing: (() => void)[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });
const kept = async <T extends { close(): void }>(made: Promise<T>): Promise<T> => {
  const one = await made;
  closing.push(() => one.close());
  return one;
};
const NAMES = { "a.example": ["127.0.0.1"], "b.example": ["127.0.0.1"] };
/** Reaches a.example, which is this machine, because both were named. */
const gateTo = (allow: readonly string[] = ["a.example", "127.0.0.0/8"], more: Partial<Parameters<typeof open>[0]> = {}): Promise<Opened> => kept(open({ allow, names: NAMES, ...more }));
const status = (answer: string): string => answer.split("\r\n")[0] ?? "";
/** Says hello, then gives back in capitals what it is sent, and ends when the other side does. */
const shouting = (): Promise<Upstream> => kept(serve((socket) => { socket.write("hello "); socket.on("data", (chunk: Buffer) => socket.write(chunk.toString().toUpperCase())); socket.on("end", () => socket.end(" bye")); }));

describe("HTTP CONNECT", () => {
  test("a listed host: bytes both ways, and the end of one direction leaves the other", async () => {
    const upstream = await shouting();
    const { path, events } = await gateTo();
    expect(await talk(path, `CONNECT a.example:${upstream.port} HTTP/1.1\r\n\r\n`, { later: "abc", half: true })).toBe("HTTP/1.1 200 Connection Established\r\n\r\nhello ABC bye");
    await expect.poll(() => events).toEqual([{ protocol: "connect", target: { host: "a.example", port: upstream.port }, outcome: "allowed", reason: undefined, sent: 3, received: 13 }]);
  });

  test("what is sent before the answer arrives too", async () => {
    const upstream = await shouting();
    const { path } = await gateTo();
    expect(await talk(path, `CONNECT a.example:${upstream.port} HTTP/1.1\r\nHost: other.example\r\n\r\nearly`, { half: true })).toContain("hello EARLY bye");
  });

  test.each<[string, string]>([
    ["another host", "CONNECT evil.example:443"], ["a name that begins alike", "CONNECT a.example.evil.example:443"], ["a literal address", "CONNECT 9.9.9.9:443"], ["a literal address in disguise", "CONNECT 151587081:443"], ["IPv6", "CONNECT [2606:4700::1111]:443"], ["metadata", "CONNECT 169.254.169.254:80"],
  ])("%s is refused, and told how it could be allowed", async (_, line) => {
    const { path, events, asked } = await gateTo();
    const answer = await talk(path, `${line} HTTP/1.1\r\nHost: a.example\r\n\r\n`);
    expect(status(answer)).toMatch(/^HTTP\/1\.1 403 blocked by vetsh: `[^`]+` is not among the hosts of this command; hint: .*host = "/);
    expect(answer.split("\r\n\r\n")[1]).toMatch(/^vetsh: refused: [^\n]+\nhint: [^\n]+\n$/);
    expect(events).toEqual([expect.objectContaining({ protocol: "connect", outcome: "refused", sent: 0, received: 0, reason: expect.stringContaining("is not among the hosts") as string })]);
    expect(asked).toEqual([]);
  });

  test.each<[string]>([
    ["CONNECT a.example"], ["CONNECT a.example:"], ["CONNECT a.example:0"], ["CONNECT a.example:99999"], ["CONNECT evil.example@a.example:443"], ["CONNECT a.example@evil.example:443"], ["CONNECT http://a.example:443"], ["CONNECT a.example:443/x"], ["CONNECT [::1:443"],
    ["GET /"], ["GET /http://a.example/"], ["GET https://a.example/"], ["GET ftp://a.example/"], ["GET http:///x"], ["GET http://a.example:x/"], ["GET http://u:p@a.example/"], ["GET http://a.example\\@evil.example/"], ["OPTIONS *"], ["BREW a.example:443"], ["GET"], ["\x16\x03\x01\x02"],
  ])("%j is no request", async (line) => {
    const { path, events } = await gateTo();
    expect(status(await talk(path, `${line} HTTP/1.1\r\n\r\n`))).toMatch(/^HTTP\/1\.1 400 /);
    expect(events.map(({ outcome }) => outcome)).toEqual(["refused"]);
  });

  test.each<[string]>([["A.EXAMPLE"], ["a.example."], ["A.example."]])("%s is the listed host", async (host) => {
    const upstream = await shouting();
    const { path, asked } = await gateTo();
    expect(status(await talk(path, `CONNECT ${host}:${upstream.port} HTTP/1.1\r\n\r\n`, { until: (text) => text.includes("\r\n\r\n") }))).toBe("HTTP/1.1 200 Connection Established");
    expect(asked).toEqual(["a.example"]);
  });

  test("an international name is the one it is written as on the wire", async () => {
    const upstream = await shouting();
    const { path } = await gateTo(["bücher.example", "127.0.0.1"], { names: { "xn--bcher-kva.example": ["127.0.0.1"] } });
    expect(status(await talk(path, socksless(`xn--bcher-kva.example:${upstream.port}`), { until: (text) => text.includes("\r\n\r\n") }))).toContain(" 200 ");
  });

  test("deny wins, a port is a port, a star is not the name itself", async () => {
    const upstream = await shouting();
    const { path } = await gateTo(["*.example", "127.0.0.1"], { deny: ["b.example"] });
    expect(status(await talk(path, socksless(`a.example:${upstream.port}`), { until: (text) => text.includes("\r\n\r\n") }))).toContain(" 200 ");
    expect(status(await talk(path, socksless(`b.example:${upstream.port}`)))).toContain("403 blocked by vetsh: `b.example:");
    const ported = await gateTo([`a.example:${upstream.port + 1}`, "127.0.0.1"]);
    expect(status(await talk(ported.path, socksless(`a.example:${upstream.port}`)))).toContain(" 403 ");
  });
});

const socksless = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\n\r\n`;

describe("addresses", () => {
  test.each<[string, readonly string[], string]>([
    ["loopback", ["127.0.0.1"], "loopback"], ["IPv6 loopback", ["::1"], "loopback"], ["mapped", ["::ffff:127.0.0.1"], "loopback"], ["metadata", ["169.254.169.254"], "metadata"], ["private", ["10.0.0.1"], "private"], ["any", ["0.0.0.0"], "loopback"], ["not even an address", ["localhost"], "reserved"],
  ])("a listed name that stands for %s is refused", async (_, addresses, kind) => {
    const upstream = await kept(serve(() => undefined));
    const { path, events } = await gateTo(["a.example"], { names: { "a.example": addresses } });
    const answer = status(await talk(path, socksless(`a.example:${upstream.port}`)));
    expect(answer).toContain("403 blocked by vetsh: `a.example:");
    expect(answer).toContain(`a ${kind} address; hint: if that is meant, a person adds a \`[[network]]\` rule with \`host = "a.example"\` and \`addresses = ["`);
    expect(events.map(({ outcome }) => outcome)).toEqual(["refused"]);
  });

  test("rebinding: the address that was checked is dialled, and a later one is checked again", async () => {
    const upstream = await shouting();
    const { path, asked } = await gateTo(["a.example", "127.0.0.1"], { names: { "a.example": [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.2"]] } });
    const ask = (): Promise<string> => talk(path, socksless(`a.example:${upstream.port}`), { until: (text) => text.includes("hello") });
    expect(status(await ask())).toContain(" 200 ");
    expect(status(await ask())).toContain(" 403 ");
    expect(status(await ask())).toContain(" 200 ");
    expect(asked).toEqual(["a.example", "a.example", "a.example"]);
  });

  test("a special address among others is left out, and never tried", async () => {
    const reached: string[] = [];
    const upstream = await kept(serve((socket) => { reached.push(socket.localAddress ?? ""); socket.end("x"); }, "0.0.0.0"));
    const { path } = await gateTo(["a.example", "127.0.0.2"], { names: { "a.example": ["127.0.0.1", "127.0.0.2"] } });
    expect(await talk(path, socksless(`a.example:${upstream.port}`))).toContain(" 200 ");
    expect(reached).toEqual(["127.0.0.2"]);
  });

  test("a literal address is reached when it was named", async () => {
    const upstream = await shouting();
    const { path, asked } = await gateTo(["127.0.0.1"]);
    expect(await talk(path, socksless(`127.0.0.1:${upstream.port}`), { until: (text) => text.includes("hello") })).toContain(" 200 ");
    expect(status(await talk(path, socksless(`127.0.0.2:${upstream.port}`)))).toContain(" 403 ");
    expect(asked).toEqual([]);
  });

  test("unknown name, nobody listens: 502 and the reason", async () => {
    const gone = await serve(() => undefined);
    gone.close();
    const { path, events } = await gateTo(["a.example", "no.example", "127.0.0.1"]);
    expect(status(await talk(path, socksless("no.example:443")))).toContain("502 blocked by vetsh: `no.example` cannot be looked up");
    expect(status(await talk(path, socksless(`a.example:${gone.port}`)))).toContain("ECONNREFUSED");
    expect(events.map(({ outcome }) => outcome)).toEqual(["failed", "failed"]);
  });
});

describe("HTTP with whole addresses", () => {
  test("method, path, body and headers arrive; `Host` is what was checked", async () => {
    const upstream = await kept(serveHttp());
    const { path, events } = await gateTo();
    const answer = await talk(path, `POST http://a.example:${upstream.port}/x?y=1 HTTP/1.1\r\nHost: evil.example\r\nX-Kept: 1\r\nProxy-Authorization: x\r\nConnection: close, X-Named\r\nX-Named: 1\r\nContent-Length: 4\r\n\r\nbody`);
    expect(answer).toContain(`POST /x?y=1 host=a.example:${upstream.port} body=body\n`);
    expect(/^X-Headers: (.*)\r$/m.exec(answer)?.[1]).toBe("Host,X-Kept,Content-Length,Connection");
    await expect.poll(() => events).toEqual([expect.objectContaining({ protocol: "http", target: { host: "a.example", port: upstream.port }, outcome: "allowed" })]);
    expect(events[0]?.sent).toBeGreaterThan(50);
    expect(events[0]?.received).toBeGreaterThan(50);
  });

  test("one connection, several hosts: each is looked at", async () => {
    const upstream = await kept(serveHttp());
    const { path, events } = await gateTo();
    const to = (host: string): string => `GET http://${host}:${upstream.port}/${host} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
    const answer = await talk(path, `${to("a.example")}${to("b.example")}${to("a.example")}`, { until: (text) => (text.match(/HTTP\/1\.1 /g) ?? []).length >= 2 && /403/.test(text) });
    expect(answer.indexOf("200 OK")).toBeLessThan(answer.indexOf("403 blocked"));
    await expect.poll(() => events.filter(({ outcome }) => outcome === "refused").map(({ target }) => target?.host)).toEqual(["b.example"]);
    expect(upstream.seen.every((line) => line.includes("/a.example"))).toBe(true);
  });

  test.each<[string, string]>([["chunked", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"], ["sized", "Content-Length: 4\r\n\r\nbody"]])("a %s body", async (_, rest) => {
    const upstream = await kept(serveHttp());
    const { path } = await gateTo();
    expect(await talk(path, `PUT http://a.example:${upstream.port} HTTP/1.1\r\nConnection: close\r\n${rest}`)).toContain(`PUT / host=a.example:${upstream.port} body=body\n`);
  });

  test.each<[string, string]>([
    ["two lengths", "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody"], ["length and chunks", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET http://evil.example/ HTTP/1.1\r\n\r\n"], ["a bare line feed in a header", "X: a\nY: b\rZ: c\r\n\r\n"], ["a chunk size that is none", "Transfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n"],
  ])("smuggling by %s goes nowhere", async (_, rest) => {
    const upstream = await kept(serveHttp());
    const { path } = await gateTo();
    await talk(path, `POST http://a.example:${upstream.port}/ HTTP/1.1\r\n${rest}`);
    expect(upstream.seen.filter((line) => !line.startsWith("POST / "))).toEqual([]);
  });

  test("a refused host: 403 with a page", async () => {
    const { path } = await gateTo();
    const answer = await talk(path, "GET http://evil.example/ HTTP/1.1\r\n\r\n");
    expect(status(answer)).toContain("403 blocked by vetsh: `evil.example:80` is not among the hosts");
    expect(answer).toContain("\r\n\r\nvetsh: refused: `evil.example:80`");
  });

  test("an upstream that speaks no HTTP: 502", async () => {
    const upstream = await kept(serve((socket) => socket.end("\x16\x03garbage\r\n\r\n")));
    const { path } = await gateTo();
    expect(status(await talk(path, `GET http://a.example:${upstream.port}/ HTTP/1.1\r\n\r\n`))).toContain(" 502 ");
  });

  test("an upstream that ends in the middle: the client sees that it was cut", async () => {
    const upstream = await kept(serve((socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))));
    const { path } = await gateTo();
    const answer = await talk(path, `GET http://a.example:${upstream.port}/ HTTP/1.1\r\n\r\n`);
    expect(answer).toContain("Content-Length: 100");
    expect(answer.endsWith("half") || answer.endsWith("\r\n\r\n")).toBe(true);
  });
});

describe("SOCKS5", () => {
  test.each<[string, string]>([["a name", "a.example"], ["a named address", "127.0.0.1"], ["upper case", "A.EXAMPLE."]])("%s is reached", async (_, host) => {
    const upstream = await shouting();
    const { path, events } = await gateTo();
    expect(await talk(path, socks(host, upstream.port), { until: (text) => text.endsWith("hello ") })).toBe("\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00hello ");
    await expect.poll(() => events.map(({ protocol, outcome, received }) => [protocol, outcome, received])).toEqual([["socks5", "allowed", 10]]);
  });

  test("byte by byte", async () => {
    const upstream = await shouting();
    const { path } = await gateTo();
    const socket = connect(path);
    closing.push(() => socket.destroy());
    for (const byte of socks("a.example", upstream.port)) {
      socket.write(Buffer.from([byte]));
      await new Promise((done) => setTimeout(done, 1));
    }
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    await expect.poll(() => text).toContain("hello ");
  });

  test.each<[string, Buffer, string]>([
    ["another host", socks("evil.example", 443), "\x05\x00\x05\x02"], ["another address", socks("9.9.9.9", 443), "\x05\x00\x05\x02"], ["the metadata service", socks("169.254.169.254", 80), "\x05\x00\x05\x02"],
    ["BIND", socks("a.example", 443, { command: 2 }), "\x05\x00\x05\x07"], ["UDP", socks("a.example", 443, { command: 3 }), "\x05\x00\x05\x07"], ["an unknown kind of address", socks("a.example", 443, { type: 9 }), "\x05\x00\x05\x08"],
    ["a name with a NUL", socks("a.example\0.evil.example", 443), "\x05\x00\x05\x08"], ["no name", socks("", 443), "\x05\x00\x05\x08"], ["port 0", socks("a.example", 0), "\x05\x00\x05\x08"],
    ["only passwords", Buffer.from([5, 1, 2]), "\x05\xff"], ["no method", Buffer.from([5, 0]), "\x05\xff"], ["another version after the greeting", Buffer.from([5, 1, 0, 4, 1, 0, 1, 1, 1, 1, 1, 0, 80]), "\x05\x00\x05\x01"],
  ])("%s is refused", async (_, bytes, answer) => {
    const { path, events, asked } = await gateTo();
    expect((await talk(path, bytes)).slice(0, answer.length)).toBe(answer);
    expect(events.map(({ outcome }) => outcome)).toEqual(["refused"]);
    expect(asked).toEqual([]);
  });

  test("IPv6 in bytes is the address it is", async () => {
    const { path, events } = await gateTo();
    await talk(path, Buffer.from([5, 1, 0, 5, 1, 0, 4, ...Array<number>(10).fill(0), 255, 255, 8, 8, 8, 8, 0, 80]));
    expect(events.map(({ target, outcome }) => [target, outcome])).toEqual([[{ host: "::ffff:808:808", port: 80 }, "refused"]]);
  });
});

describe("limits and ends", () => {
  test("a long head, a slow head, silence", async () => {
    const { path, events } = await gateTo(undefined, { limits: { headBytes: 2_000, headMs: 150 } });
    expect(status(await talk(path, `GET http://a.example/ HTTP/1.1\r\nX: ${"x".repeat(5_000)}\r\n\r\n`))).toContain(" 431 ");
    expect(events.map(({ reason }) => reason)).toEqual(["the head of the request is too long"]);
    expect(await talk(path, "CONNECT a.exam")).toBe("");
    expect(await talk(path, "")).toBe("");
    expect(await talk(path, Buffer.from([5, 1]))).toBe("");
    const slow = connect(path);
    const drip = setInterval(() => slow.write("G"), 20);
    await new Promise((done) => slow.on("error", () => undefined).on("close", done));
    clearInterval(drip);
  });

  test("a tunnel in which nothing moves is ended", async () => {
    const upstream = await kept(serve(() => undefined));
    const { path, events } = await gateTo(undefined, { limits: { idleMs: 150 } });
    expect(await talk(path, socksless(`a.example:${upstream.port}`))).toContain(" 200 ");
    await expect.poll(() => events.map(({ outcome }) => outcome)).toEqual(["allowed"]);
  });

  test("too many connections at once", async () => {
    const upstream = await kept(serve(() => undefined));
    const { path, events } = await gateTo(undefined, { limits: { connections: 2 } });
    const first = [connect(path), connect(path)];
    closing.push(() => first.forEach((socket) => socket.destroy()));
    await Promise.all(first.map((socket) => new Promise((done) => { socket.once("data", done); socket.write(socksless(`a.example:${upstream.port}`)); })));
    expect(await talk(path, socksless(`a.example:${upstream.port}`))).toBe("");
    expect(events.map(({ reason }) => reason)).toEqual(["too many connections at once"]);
  });

  test("closing cuts every connection, tells each event before it returns, and nobody can connect any more", async () => {
    const gone: Socket[] = [];
    const upstream = await kept(serve((socket) => { gone.push(socket); socket.resume(); socket.write("hello"); }));
    const opened = await gateTo(["a.example", "slow.example", "127.0.0.1"], { names: { ...NAMES, "slow.example": [] } });
    const ends: Promise<unknown>[] = [];
    for (const bytes of [socksless(`a.example:${upstream.port}`), socks("a.example", upstream.port), `GET http://a.example:${upstream.port}/ HTTP/1.1\r\n\r\n`]) ends.push(talk(opened.path, bytes));
    await expect.poll(() => gone.length).toBe(3);
    opened.gate.close();
    expect(opened.events.map(({ protocol, outcome }) => [protocol, outcome]).toSorted()).toEqual([["connect", "allowed"], ["http", "allowed"], ["socks5", "allowed"]]);
    await Promise.all(ends);
    await expect.poll(() => gone.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
    expect(await talk(opened.path, socksless(`a.example:${upstream.port}`))).toBe("");
    expect(opened.events).toHaveLength(3);
  });

  test("a reader that is slow holds the sender back", async () => {
    let written = 0;
    const upstream = await kept(serve((socket) => {
      const chunk = Buffer.alloc(65_536);
      const more = (): void => { do written += chunk.length; while (socket.write(chunk) && written < 512 * 1024 * 1024); };
      socket.on("drain", more);
      more();
    }));
    const { path } = await gateTo();
    const socket = connect(path);
    closing.push(() => socket.destroy());
    await new Promise((done) => { socket.once("readable", done); socket.write(socksless(`a.example:${upstream.port}`)); });
    await new Promise((done) => setTimeout(done, 300));
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  test.each<[string, (authority: string, port: number) => string | Buffer]>([["CONNECT", (authority) => socksless(authority)], ["SOCKS5", (_, port) => socks("a.example", port)]])("through %s every byte arrives in its place, whoever is slow", { timeout: 60_000 }, async (_, ask) => {
    const sent = randomBytes(24 * 1024 * 1024);
    const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    const upstream = await kept(serve((socket) => {
      // In pieces of odd sizes, and back what comes.
      let at = 0;
      const more = (): void => {
        while (at < sent.length) { const end = at + 1 + ((at * 7) % 300_000); const piece = sent.subarray(at, end); at = end; if (!socket.write(piece)) return; }
        // Whichever is over last: what comes, or what goes.
        if (ended) socket.end(digest(Buffer.concat(got)));
      };
      const got: Buffer[] = [];
      let ended = false;
      socket.on("drain", more);
      socket.on("data", (chunk: Buffer) => got.push(chunk));
      socket.on("end", () => {
        ended = true;
        if (!socket.writableNeedDrain) more();
      });
      more();
    }));
    const { path } = await gateTo();
    const socket = connect({ path, allowHalfOpen: true });
    closing.push(() => socket.destroy());
    const parts: Buffer[] = [];
    await new Promise<void>((done, fail) => {
      let began = false;
      socket.on("error", fail);
      socket.on("end", done);
      socket.on("data", (chunk: Buffer) => {
        parts.push(chunk);
        if (!began) { began = true; socket.write(sent); socket.end(); }
        if (parts.length % 40 === 0) { socket.pause(); setTimeout(() => socket.resume(), 2); }
      });
      socket.write(ask(`a.example:${upstream.port}`, upstream.port));
    });
    const all = Buffer.concat(parts);
    const body = all.subarray(all.length - 64 - sent.length);
    expect(digest(body.subarray(0, sent.length))).toBe(digest(sent));
    expect(body.subarray(sent.length).toString()).toBe(digest(sent));
  });

  test("400 MB arrive whole", { timeout: 60_000 }, async () => {
    const block = randomBytes(1024 * 1024);
    const blocks = 400;
    const upstream = await kept(serve((socket) => {
      let sent = 0;
      const more = (): void => {
        while (sent < blocks) { sent += 1; if (!socket.write(block)) return; }
        socket.end();
      };
      socket.on("drain", more);
      more();
    }));
    const { path } = await gateTo();
    const socket = connect({ path, allowHalfOpen: true });
    closing.push(() => socket.destroy());
    let got = 0;
    let start = 0;
    let head = true;
    await new Promise<void>((done, fail) => {
      socket.on("data", (chunk: Buffer) => {
        if (head) { head = false; start = performance.now(); got -= "HTTP/1.1 200 Connection Established\r\n\r\n".length; }
        got += chunk.length;
      });
      socket.on("end", done);
      socket.on("error", fail);
      socket.write(socksless(`a.example:${upstream.port}`));
    });
    expect(got).toBe(blocks * block.length);
    console.log(`through the gate: ${Math.round(400 / ((performance.now() - start) / 1000))} MB/s`);
  });
});
