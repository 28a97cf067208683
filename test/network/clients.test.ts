/** What developers' programs do through the proxy, each with a real upstream: https with a certificate of our own, registries, ssh and what starts it. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttps, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join, normalize } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openGate, type Gate, type NetworkEvent } from "../../src/network/index.ts";
import { prepareSsh, sshConfigText } from "../../src/sandbox/index.ts";
import { git, giveTo, inside, makeBox, PEOPLE, removeBox, type Ask, type Box, type Run } from "../sandbox/box.ts";
import { visibleNode } from "../support/visible-node.ts";

const NETWORK = ["good.test", "127.0.0.1"];
const PYTHON = "/usr/bin/python3";
const SSHD = "/usr/sbin/sshd";
const has = (...programs: readonly string[]): boolean => programs.every((program) => existsSync(program));

const files = mkdtempSync(join(tmpdir(), "vetsh-upstream-"));
let server: Server;
let port = 0;
const sh = (script: string, env: Readonly<Record<string, string>> = {}): string => execFileSync("bash", ["-ec", script], { cwd: files, encoding: "utf8", env: { PATH: "/usr/sbin:/usr/bin:/bin", HOME: files, ...env }, stdio: ["ignore", "pipe", "pipe"] });

/** A certificate for good.test by an authority that only these tests know, a package for npm, one for pip, a repository. */
function makeFiles(): void {
  sh(`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-authority -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=good.test -keyout tls.key -out tls.csr
    printf 'subjectAltName=DNS:good.test\\n' > ext; openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out tls.pem
    mkdir package web; printf '{"name":"tiny","version":"1.0.0"}' > package/package.json; echo 'module.exports = "tiny for npm"' > package/index.js; tar czf tiny-1.0.0.tgz package
    git init -q -b main repo; cd repo; echo hello > README.md; git add .; git -c user.name=t -c user.email=t@localhost commit -q -m first; cd ..; git clone -q --bare repo web/repo.git; git -C web/repo.git update-server-info`, { GIT_CONFIG_NOSYSTEM: "1" });
  if (!has(PYTHON)) return;
  writeFileSync(join(files, "wheel.py"), `import zipfile
with zipfile.ZipFile("tiny-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tiny.py", "WORD = 'tiny for pip'\\n")
    wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
    wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\\ntiny-1.0.dist-info/METADATA,,\\ntiny-1.0.dist-info/WHEEL,,\\ntiny-1.0.dist-info/RECORD,,\\n")
`);
  sh(`${PYTHON} wheel.py`);
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = normalize((request.url ?? "").split("?")[0] ?? "");
  const send = (name: string): void => void response.end(readFileSync(join(files, name)));
  if (path === "/npm/tiny") {
    const integrity = `sha512-${createHash("sha512").update(readFileSync(join(files, "tiny-1.0.0.tgz"))).digest("base64")}`;
    return void response.setHeader("Content-Type", "application/json").end(JSON.stringify({ name: "tiny", "dist-tags": { latest: "1.0.0" }, versions: { "1.0.0": { name: "tiny", version: "1.0.0", dist: { integrity, tarball: `https://good.test:${port}/npm/tiny-1.0.0.tgz` } } } }));
  }
  if (path === "/npm/tiny-1.0.0.tgz") return send("tiny-1.0.0.tgz");
  if (path === "/simple/tiny/") return void response.setHeader("Content-Type", "text/html").end('<a href="/tiny-1.0-py3-none-any.whl">tiny-1.0-py3-none-any.whl</a>');
  if (path === "/tiny-1.0-py3-none-any.whl") return send("tiny-1.0-py3-none-any.whl");
  if (path.startsWith("/repo.git/") && existsSync(join(files, "web", path))) return send(join("web", path));
  if (path === "/x") return void response.end("page /x\n");
  response.writeHead(404).end();
}

beforeAll(async () => {
  makeFiles();
  server = createHttps({ key: readFileSync(join(files, "tls.key")), cert: readFileSync(join(files, "tls.pem")) }, answer);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  port = (server.address() as AddressInfo).port;
}, 60_000);
afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(files, { recursive: true, force: true });
});

describe.each(PEOPLE)("as $name", (person) => {
  let box: Box;
  let gate: Gate;
  let events: NetworkEvent[] = [];

  beforeEach(async () => {
    box = makeBox(person);
    events = [];
    mkdirSync(join(box.root, "run/net"));
    const path = join(box.root, "run/net/p1");
    gate = await openGate({ path, allow: NETWORK, onEvent: (event) => events.push(event), resolve: async (host) => (host.endsWith(".test") ? ["127.0.0.1"] : []) });
    copyFileSync(join(files, "ca.pem"), join(box.workspace, "ca.pem"));
    visibleNode(join(box.workspace, "tools"));
  });
  afterEach(() => { gate.close(); removeBox(box); });

  const run = (script: string, ask: Ask = {}): Promise<Run> => {
    const sshConfig = prepareSsh(join(box.root, "run/ssh_config"), box.root);
    giveTo(person, join(box.root, "run"));
    chmodSync(join(box.root, "run/net/p1"), 0o777);
    return inside(box, script, { ...ask, claim: { network: NETWORK, ...ask.claim }, env: { P: String(port), NODE: join(box.workspace, "tools/node"), PYTHON, PIP_CONFIG_FILE: "/dev/null", ...ask.env }, place: { sshConfig, ...ask.place } });
  };
  const outcomes = (): readonly string[] => [...new Set(events.map(({ target, outcome }) => `${target?.host} ${outcome}`))];

  const npm = "npm --userconfig=$W/none --globalconfig=$W/nothing --cache=$W/.npm --no-audit --no-fund --no-update-notifier --fetch-retries=0";
  test.each<[name: string, needs: readonly string[], script: string, expected: string]>([
    ["curl", [], "curl -sS --cacert ca.pem https://$HOST:$P/x", "page /x\n"],
    ["wget", ["/usr/bin/wget"], "wget -q -O - --tries=1 --ca-certificate=ca.pem https://$HOST:$P/x", "page /x\n"],
    ["git", [], "git -c http.sslCAInfo=$W/ca.pem clone -q https://$HOST:$P/repo.git copy && cat copy/README.md", "hello\n"],
    ["node fetch", [], `NODE_EXTRA_CA_CERTS=ca.pem "$NODE" -e 'fetch("https://" + process.env.HOST + ":" + process.env.P + "/x").then((r) => r.text()).then((t) => process.stdout.write(t)).catch((e) => { console.error(e.cause?.message); process.exit(1); })'`, "page /x\n"],
    ["node https", [], `NODE_EXTRA_CA_CERTS=ca.pem "$NODE" -e 'require("https").get("https://" + process.env.HOST + ":" + process.env.P + "/x", (r) => r.pipe(process.stdout)).on("error", (e) => { console.error(e.message); process.exit(1); })'`, "page /x\n"],
    ["python urllib", [PYTHON], `$PYTHON -c 'import os, ssl, urllib.request; print(urllib.request.urlopen("https://%s:%s/x" % (os.environ["HOST"], os.environ["P"]), context=ssl.create_default_context(cafile="ca.pem")).read().decode(), end="")'`, "page /x\n"],
    ["npm", ["/usr/bin/npm"], `mkdir p; cd p; echo '{}' > package.json; ${npm} install --silent --registry=https://$HOST:$P/npm/ --cafile=$W/ca.pem tiny && node -p 'require(process.argv[1])' tiny`, "tiny for npm\n"],
    ["pip", [PYTHON, "/usr/bin/pip3"], `$PYTHON -m pip install -q --no-cache-dir --disable-pip-version-check --root-user-action=ignore --retries 0 --cert ca.pem --index-url https://$HOST:$P/simple --target lib tiny && PYTHONPATH=lib $PYTHON -c 'import tiny; print(tiny.WORD)'`, "tiny for pip\n"],
  ])("%s over https: the host it was given, and no other", { timeout: 60_000 }, async (_, needs, script, expected) => {
    if (!has(...needs)) return console.log(`skipped: ${needs.join(" ")} is not here`);
    const ran = await run(script, { env: { HOST: "good.test" } });
    expect({ code: ran.code, out: ran.out }, ran.err).toEqual({ code: 0, out: expected });
    expect(outcomes().filter((one) => one !== "good.test allowed")).toEqual([]);
    const refused = await run(`rm -rf copy p lib; ${script}`, { env: { HOST: "evil.test" } });
    expect(refused.code).not.toBe(0);
    expect(refused.out).not.toContain(expected);
    expect(outcomes()).toContain("evil.test refused");
  });

  describe.skipIf(!has(SSHD))("ssh", () => {
    let daemon: ChildProcess;
    let sshPort = 0;
    let user = "";

    beforeEach(async () => {
      const spare = createServer();
      await new Promise<void>((done) => spare.listen(0, "127.0.0.1", done));
      sshPort = (spare.address() as AddressInfo).port;
      await new Promise((done) => spare.close(done));
      user = userInfo().username;
      const keys = join(box.base, "keys");
      mkdirSync(keys);
      if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
      for (const name of ["host", "client"]) sh(`ssh-keygen -q -t ed25519 -N '' -C '' -f ${join(keys, name)}`);
      copyFileSync(join(keys, "client.pub"), join(keys, "authorized"));
      writeFileSync(join(keys, "sshd_config"), `Port ${sshPort}\nListenAddress 127.0.0.1\nHostKey ${keys}/host\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\nAuthorizedKeysFile ${keys}/authorized\nSubsystem sftp internal-sftp\n`);
      const own = join(box.workspace, "own");
      mkdirSync(own);
      copyFileSync(join(keys, "client"), join(own, "key"));
      chmodSync(join(own, "key"), 0o600);
      writeFileSync(join(own, "known"), `[good.test]:${sshPort} ${readFileSync(join(keys, "host.pub"), "utf8")}`);
      giveTo(person, own);
      daemon = spawn(SSHD, ["-D", "-e", "-f", join(keys, "sshd_config")], { stdio: "ignore" });
      await expect.poll(() => new Promise((done) => { const socket = connect(sshPort, "127.0.0.1").once("data", () => { socket.destroy(); done(true); }).once("error", () => done(false)); }), { timeout: 10_000 }).toBe(true);
    });
    afterEach(() => { daemon.kill(); });

    const OPTIONS = "-i own/key -o UserKnownHostsFile=own/known -o BatchMode=yes -o IdentitiesOnly=yes";
    const ssh = (script: string): Promise<Run> => run(script, { env: { S: String(sshPort), U: user, OPTIONS, TO: join(box.outside, "copied") } });

    test.each<[name: string, needs: readonly string[], script: string, expected: string]>([
      ["ssh", [], "ssh $OPTIONS -p $S $U@good.test 'echo there; cat' <<< input", "there\ninput\n"],
      ["scp there and back", [], "echo sent > a.txt; scp -q $OPTIONS -P $S a.txt $U@good.test:$TO && scp -q $OPTIONS -P $S $U@good.test:$TO b.txt && cat b.txt", "sent\n"],
      ["rsync", ["/usr/bin/rsync"], "echo sent > a.txt; rsync -e \"ssh $OPTIONS -p $S\" a.txt $U@good.test:$TO && rsync -e \"ssh $OPTIONS -p $S\" $U@good.test:$TO b.txt && cat b.txt", "sent\n"],
      ["git", [], `GIT_SSH_COMMAND="ssh $OPTIONS" git clone -q ssh://$U@good.test:$S${join(files, "web/repo.git")} copy && cat copy/README.md`, "hello\n"],
    ])("%s needs nothing but the host it was given", { timeout: 60_000 }, async (_, needs, script, expected) => {
      if (!has(...needs)) return console.log(`skipped: ${needs.join(" ")} is not here`);
      chmodSync(box.outside, 0o777);
      const ran = await ssh(script);
      expect({ code: ran.code, out: ran.out }, ran.err).toEqual({ code: 0, out: expected });
      // The connection's end comes to us when it will.
      await expect.poll(outcomes).toEqual(["good.test allowed"]);
      const refused = await ssh(`rm -rf copy b.txt; ${script.replaceAll("good.test", "evil.test")}`);
      expect(refused.code).not.toBe(0);
      expect(refused.err).toContain(`vetsh: 403 blocked by vetsh: \`evil.test:${sshPort}\` is not among the hosts of this command`);
    });

    test("this machine is the sandbox's own, without the proxy", async () => {
      const { err } = await ssh("ssh $OPTIONS -p $S localhost true");
      expect(err).toContain("Connection refused");
      expect(events).toEqual([]);
    });
  });

  test("git finds its way over https and says why it may not go elsewhere", async () => {
    const bare = git(join(files, "web/repo.git"), "rev-parse", "HEAD");
    expect((await run("git -c http.sslCAInfo=$W/ca.pem ls-remote https://good.test:$P/repo.git HEAD")).out).toContain(bare.trim());
    expect((await run("git ls-remote https://evil.test:$P/repo.git")).err).toContain("403");
  });
});

describe("the configuration of ssh", () => {
  const INIT = "/opt/100%/libexec/vetsh-init";

  test("ours comes first, the system's follows, what it includes is spelt out and ends where it stood", () => {
    const text = sshConfigText("# system\nInclude /etc/ssh/ssh_config.d/*.conf\nHost a.example\n  User u\n  Include more\n  Port 3\n", (pattern) => [`  # from ${pattern}\nHost inner\n  User v`], INIT);
    expect(text).toBe(`# Made by vetsh: inside a sandbox the way out is its proxy.
Host localhost 127.0.0.1 ::1
  ProxyCommand none
Host *
  ProxyCommand /opt/100%%/libexec/vetsh-init --connect %h %p
  ProxyUseFdpass no
  ControlMaster no
  ControlPath none
  CheckHostIP no
# system
  # from /etc/ssh/ssh_config.d/*.conf
Host inner
  User v
Host *
Host a.example
  User u
  # from /etc/ssh/more
Host inner
  User v
Host a.example
  Port 3
`);
  });

  test("ssh reads it so", () => {
    const file = join(files, "ssh_config");
    writeFileSync(file, sshConfigText("Include x\nHost *\n  ProxyCommand theirs\n  Port 7\n", () => ["Host b.example\n  Port 9"], INIT));
    const read = (host: string): string => sh(`ssh -G -F ${file} ${host} | grep -E '^(proxycommand|port) '`);
    expect([read("a.example"), read("b.example"), read("localhost")]).toEqual([`port 7\nproxycommand ${INIT.replace("%", "%%")} --connect %h %p\n`, `port 9\nproxycommand ${INIT.replace("%", "%%")} --connect %h %p\n`, "port 7\n"]);
  });
});
