/** Real clients in real sandboxes, as root and as an ordinary user: the host they were given, no other, and no other way. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join, normalize } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openGate, type Gate, type NetworkEvent } from "../../src/network/index.ts";
import { git, giveTo, inside, makeBox, PEOPLE, removeBox, type Ask, type Box, type Run } from "../sandbox/box.ts";
import { visibleNode } from "../support/visible-node.ts";

const NETWORK = ["good.test", "127.0.0.1"];
const PYTHON = "/usr/bin/python3";

describe.each(PEOPLE)("as $name", (person) => {
  let box: Box;
  let gate: Gate;
  let port: number;
  let events: NetworkEvent[] = [];
  const seen: string[] = [];
  const web = createHttp((request, response) => {
    seen.push(`${request.method} ${request.headers.host} ${request.url}`);
    const file = join(box.base, "web", normalize(`/${(request.url ?? "").split("?")[0]}`));
    if (request.url?.startsWith("/repo.git/") === true && existsSync(file)) response.end(readFileSync(file));
    else if (request.url?.startsWith("/repo.git/") === true) response.writeHead(404).end();
    else response.end(`page ${request.url}\n`);
  });

  beforeAll(async () => {
    await new Promise<void>((done) => web.listen(0, "127.0.0.1", done));
    port = (web.address() as AddressInfo).port;
  });
  afterAll(() => { web.close(); web.closeAllConnections(); });

  beforeEach(async () => {
    box = makeBox(person);
    events = [];
    mkdirSync(join(box.root, "run/net"));
    const path = join(box.root, "run/net/p1");
    gate = await openGate({ path, allow: NETWORK, onEvent: (event) => events.push(event), resolve: async (host) => (host.endsWith(".test") ? ["127.0.0.1"] : []) });
    giveTo(person, join(box.root, "run"));
    visibleNode(join(box.workspace, "tools"));
    chmodSync(path, 0o777);
  });
  afterEach(() => { gate.close(); removeBox(box); });

  const run = (script: string, ask: Ask = {}): Promise<Run> => inside(box, script, { ...ask, claim: { network: NETWORK, ...ask.claim }, env: { P: String(port), NODE: join(box.workspace, "tools/node"), PYTHON, ...ask.env } });
  const outcomes = (): readonly (readonly [string | undefined, string])[] => events.map(({ target, outcome }) => [target?.host, outcome] as const);

  test.each<[name: string, needs: string | undefined, script: string]>([
    ["curl", undefined, "curl -sS --max-time 10 http://$HOST:$P/x"],
    ["curl through a tunnel", undefined, "curl -sS --max-time 10 --proxytunnel http://$HOST:$P/x"],
    ["curl, SOCKS5", undefined, "curl -sS --max-time 10 --proxy socks5h://127.0.0.1:3128 http://$HOST:$P/x"],
    ["wget", "/usr/bin/wget", "wget -q -O - --tries=1 --timeout=10 http://$HOST:$P/x"],
    ["node fetch", undefined, `"$NODE" -e 'fetch("http://" + process.env.HOST + ":" + process.env.P + "/x").then((r) => { if (!r.ok) throw new Error(r.statusText); return r.text(); }).then((t) => process.stdout.write(t)).catch((e) => { console.error(e.message, e.cause?.message); process.exit(1); })'`],
    ["node http", undefined, `"$NODE" -e 'require("http").get("http://" + process.env.HOST + ":" + process.env.P + "/x", (r) => { if (r.statusCode !== 200) process.exit(1); r.pipe(process.stdout); }).on("error", () => process.exit(1))'`],
    ["python urllib", PYTHON, `$PYTHON -c 'import os, urllib.request; print(urllib.request.urlopen("http://%s:%s/x" % (os.environ["HOST"], os.environ["P"]), timeout=10).read().decode(), end="")'`],
  ])("%s: the host it was given, and no other", async (_, needs, script) => {
    if (needs !== undefined && !existsSync(needs)) return;
    expect(await run(script, { env: { HOST: "good.test" } })).toMatchObject({ code: 0, out: "page /x\n" });
    await expect.poll(outcomes).toEqual([["good.test", "allowed"]]);
    const before = seen.length;
    const refused = await run(script, { env: { HOST: "evil.test" } });
    // Without --fail curl shows the page of a refusal and ends well.
    expect(refused.out).not.toContain("page /x");
    expect(outcomes().slice(1).every(([host, outcome]) => host === "evil.test" && outcome === "refused")).toBe(true);
    expect(outcomes().length).toBeGreaterThan(1);
    expect(seen.length).toBe(before);
  });

  test("git over http: clone from the host it was given, a refusal that says why elsewhere", async () => {
    const bare = join(box.base, "web/repo.git");
    mkdirSync(join(box.base, "web"));
    giveTo(person, join(box.base, "web"));
    git(box.workspace, "clone", "-q", "--bare", ".", bare);
    git(bare, "update-server-info");
    expect(await run("git clone -q http://good.test:$P/repo.git copy && cat copy/README.md")).toMatchObject({ code: 0, out: "hello\n" });
    const elsewhere = await run("git clone -q http://evil.test:$P/repo.git other");
    expect(elsewhere.code).not.toBe(0);
    expect(elsewhere.err).toContain("403");
  });

  test("ssh as git starts it: a connection to the host it was given, a refusal that says why elsewhere", async () => {
    const said: string[] = [];
    const server = createServer((socket) => socket.on("error", () => undefined).on("data", (chunk: Buffer) => said.push(chunk.toString())).write("SSH-2.0-test\r\n"));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const env = { SSH: String((server.address() as AddressInfo).port) };
    try {
      const through = run(`git clone -q ssh://git@good.test:$SSH/repo copy`, { env });
      await expect.poll(() => said.join(""), { timeout: 10_000 }).toMatch(/^SSH-2\.0-OpenSSH/);
      server.close();
      gate.close();
      // A way out that is gone is no way in for the command either: it does not start.
      expect((await run("echo started")).out).toBe("");
      expect((await through).code).not.toBe(0);
    } finally {
      server.close();
    }
  });

  test("ssh elsewhere is refused", async () => {
    const { code, err } = await run("git clone -q ssh://git@evil.test/repo copy");
    expect(code).not.toBe(0);
    expect(err).toContain("vetsh: 403 blocked by vetsh: `evil.test:22` is not among the hosts of this command");
  });

  test("a refusal through a tunnel is one line that says what a person can do", async () => {
    const { err, code } = await run("curl -sSv --max-time 10 https://evil.test/");
    expect(code).not.toBe(0);
    expect(err).toContain('HTTP/1.1 403 blocked by vetsh: `evil.test:443` is not among the hosts of this command; hint: name the host in the command line so that it can be judged, or a person adds a `[[network]]` rule with `host = "evil.test"`');
  });

  test("no other way out: TCP, UDP, DNS, IPv6, raw sockets, the host's loopback, its own addresses", async () => {
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []).find((one) => !one.internal && one.family === "IPv4")?.address ?? "192.0.2.1";
    const everywhere = createServer((socket) => socket.on("error", () => undefined).end("reached\n"));
    await new Promise<void>((done) => everywhere.listen(0, "0.0.0.0", done));
    const open = (everywhere.address() as AddressInfo).port;
    try {
      const { out } = await run(`
        for to in tcp/127.0.0.1/$P tcp/127.0.0.1/$OPEN tcp/$OWN/$OPEN tcp/192.0.2.1/80 udp/192.0.2.1/53 udp/$OWN/$OPEN tcp/::1/$P tcp/2001:db8::1/80; do { exec 7<>/dev/$to; } 2>/dev/null && { echo x >&7; } 2>/dev/null && echo "out by $to"; done
        getent hosts good.test && echo "out by names"; getent ahosts dns.google && echo "out by names"
        ping -c 1 -W 1 192.0.2.1 >/dev/null 2>&1 && echo "out by ping"
        curl -sS --noproxy '*' --max-time 3 http://127.0.0.1:$OPEN/ 2>/dev/null
        tail -n +2 /proc/net/route | grep -q . && echo "a route"; tail -n +3 /proc/net/dev | grep -v ' *lo:' && echo "a device"; echo end`, { env: { OPEN: String(open), OWN: own } });
      expect(out).toBe("end\n");
      expect(events).toEqual([]);
    } finally {
      everywhere.close();
    }
  });

  test("names of this machine and its addresses are refused by the proxy too", async () => {
    const { out } = await run("for host in localhost 127.0.0.2 0.0.0.0 '[::1]' '[::ffff:127.0.0.3]' 2130706434 169.254.169.254 0x7f.2; do curl -sS -o /dev/null -w '%{http_code} ' --noproxy '' --max-time 5 http://$host:$P/; done", {});
    expect(out.trim().split(" ").every((code) => code === "403")).toBe(true);
  });

  test("other commands' ways out are not in reach, and nothing that a command could show opens one", async () => {
    writeFileSync(join(box.root, "run/net/p2"), "");
    const { out } = await run(`ls "$R/run" "$R/run/net" 2>&1; env | grep -i -e 'net/p' -e token -e bridge; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -e 'net/p[0-9]' -e bridge -i; echo end`);
    expect(out).toMatch(/^net\.sock\nshim\.sock\nls: cannot access '[^\n]*run\/net': No such file or directory\nend\n$|end\n$/);
    expect(out).not.toContain("p2");
    expect(out.split("\n").filter((line) => line.includes("net/p"))).toEqual([]);
  });

  test("the command has no child that it did not start, its files are closed when it ends, and the bridge ends with it", async () => {
    expect(await run("wait -n; echo $?; read -r c < /proc/$$/task/$$/children; echo \"[$c]\"")).toMatchObject({ code: 0, out: "127\n[]\n" });
    const { out } = await run(`for p in /proc/[0-9]*; do read -r name < $p/comm; [ "$name" = vetsh-bridge ] && ls -l $p/fd | sed 's/.* -> //' | sort | uniq -c && grep -E '^(CapEff|NoNewPrivs|Seccomp):' $p/status; done`);
    expect(out).toContain("/dev/null");
    expect(out).not.toContain("pipe:");
    expect(out.replaceAll(/\s+/g, " ")).toContain("CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2");
    // Without --die-with-parent the sandbox lives as long as a process in it: the bridge must not be the last.
    const first = performance.now();
    expect(await run("echo done", { place: { background: true } })).toMatchObject({ code: 0, out: "done\n" });
    expect(performance.now() - first).toBeLessThan(10_000);
    await expect.poll(() => bridges(box)).toBe(0);
  });

  test("when the command's leave ends, new connections lead nowhere", async () => {
    const ended = run("curl -s --max-time 5 http://good.test:$P/one; touch go; while [ -e go ]; do sleep 0.05; done; curl -sS --max-time 5 http://good.test:$P/two 2>&1");
    const mark = join(box.workspace, "go");
    await expect.poll(() => existsSync(mark), { timeout: 10_000 }).toBe(true);
    gate.close();
    rmSync(mark);
    const { out, code } = await ended;
    expect(out).toMatch(/^page \/one\n/);
    expect(out).not.toContain("/two\n");
    expect(code).not.toBe(0);
  });

  test("many connections at once, and a large one, arrive whole", async () => {
    const { out } = await run(`for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do curl -s http://good.test:$P/$n & done | sort -V; wait`);
    expect(out.trim().split("\n")).toHaveLength(20);
  });
});

/** Bridges of a box that still run: their root shows the box's own socket. */
function bridges(box: Box): number {
  const found = execFileSync("bash", ["-c", 'for p in /proc/[0-9]*; do read -r n < $p/comm && [ "$n" = vetsh-bridge ] && grep -q "$1" $p/mountinfo && echo x; done 2>/dev/null; true', "bash", box.base], { encoding: "utf8" });
  return found.split("\n").filter((line) => line !== "").length;
}
