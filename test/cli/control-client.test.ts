import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { placesOf } from "../../src/broker/index.ts";
import { request } from "../../src/cli/control-client.ts";

let root: string;
let server: Server | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "vetsh-control-"));
  mkdirSync(dirname(placesOf(root).controlSocket), { recursive: true });
});

afterEach(async () => {
  await new Promise((done) => (server === undefined ? done(undefined) : server.close(done)));
  rmSync(root, { recursive: true });
});

/** A broker's end of the control socket that does one thing to whoever comes. */
async function serve(treat: (socket: Socket) => void): Promise<void> {
  server = createServer({ pauseOnConnect: true }, treat);
  await new Promise<void>((done) => server?.listen(placesOf(root).controlSocket, done));
}

test("a broker that ends with the request unread resets the connection: that is an answer, not a crash", async () => {
  await serve((socket) => void setTimeout(() => socket.destroy(), 100));
  await expect(request(root, { op: "status" })).rejects.toThrow("the broker hung up");
});

test("a broker that closes without an answer", async () => {
  await serve((socket) => socket.resume().on("data", () => socket.end()));
  await expect(request(root, { op: "status" })).rejects.toThrow("the broker hung up");
});

test("an answer is passed on, a refusal is a failure with its hint", async () => {
  await serve((socket) => socket.resume().once("data", () => socket.end(`${JSON.stringify({ ok: false, error: "no", hint: "do" })}\n`)));
  await expect(request(root, { op: "status" })).rejects.toMatchObject({ message: "no", hint: "do" });
});
