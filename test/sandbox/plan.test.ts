import { describe, expect, test } from "vitest";
import type { Claim, DecisionSource } from "../../src/model/index.ts";
import { plan, planOnce, type HostProbe, type Place, type Plan, type Survey } from "../../src/sandbox/index.ts";

const host: HostProbe = { sandboxed: true, bwrap: "/usr/bin/bwrap", version: "0.8.0", disableUserns: true, gaps: [] };
const noHost: HostProbe = { ...host, sandboxed: false, gaps: [{ feature: "namespaces", required: true, reason: "namespaces are off", remedy: "switch them on" }] };
const claim: Claim = { sandbox: "workspace", writable: [], network: [], secrets: [], privileged: false };
const survey: Survey = { workspace: "/home/dev/w", git: { kind: "checkout", gitDir: "/home/dev/w/.git" }, protected: ["/home/dev/w/.git/hooks", "/home/dev/w/.github/workflows"], watched: [], hidden: [{ path: "/home/dev/.ssh", kind: "directory" }, { path: "/home/dev/.netrc", kind: "file" }], replaced: ["/run", "/var/tmp"], kept: ["/run/systemd/resolve"], writable: [], secrets: [], refused: [], notes: [] };
const place: Place = { workspace: "/home/dev/w", cwd: "/home/dev/w/src", home: "/home/dev", root: "/opt/vetsh", guarded: ["/home/dev/.config/vetsh"], sessionTmp: "/opt/vetsh/state/tmp/s1", shell: "/usr/bin/bash", shimSocket: "/opt/vetsh/run/inner.sock", proxySocket: "/opt/vetsh/run/net/p1", environment: new Map([["PATH", "/bin"]]), inherit: { keep: [], drop: [] }, wasStopped: false, terminal: false, background: false, unconfined: false, withoutSandbox: "refuse", survey };

function make(change: { claim?: Partial<Claim>; place?: Partial<Place>; survey?: Partial<Survey>; host?: HostProbe; source?: DecisionSource } = {}) {
  return plan({ claim: { ...claim, ...change.claim }, source: change.source ?? "rule" }, change.host ?? host, { ...place, survey: { ...survey, ...change.survey }, ...change.place });
}
/** The words as lines that begin with an option. */
const lines = (made: ReturnType<typeof make>): readonly string[] => made.prefix.join(" ").split(/ (?=--)/);
const writable = (asked: string, kind: Survey["writable"][number]["kind"], real = asked) => ({ claim: { sandbox: "custom" as const, writable: [asked] }, survey: { writable: [{ asked, real, kind }] } });

const DOCKER = "DOCKER_HOST=unix:///run/docker-is-outside-of-the-sandbox-of-vetsh";

describe("without namespaces, held by Landlock", () => {
  const landlock: HostProbe = { ...noHost, landlock: { init: "/opt/vetsh/libexec/vetsh-init" } };
  const environment = new Map([["PATH", "/opt/vetsh/shims:/usr/bin"], ["SHELL", "/opt/vetsh/shims/bash"], ["A_TOKEN", "x"], ["LD_LIBRARY_PATH", "/l"]]);
  const reading = (change: Parameters<typeof make>[0] = {}) => make({ host: landlock, ...change, claim: { sandbox: "read-only", ...change.claim }, place: { withoutSandbox: "judged", readable: ["/usr", "/home/dev/w"], environment, ...change.place } });

  test("what only reads", () => {
    expect(reading()).toEqual({
      prefix: ["/opt/vetsh/libexec/vetsh-init", "--reading", "2", "/usr", "/home/dev/w", "/usr/bin/bash"], closeFds: true, unset: ["A_TOKEN", "LD_LIBRARY_PATH"],
      set: ["VETSH_SANDBOX=read-only", "PATH=/usr/bin", "SHELL=/usr/bin/bash", "LD_LIBRARY_PATH=/l"],
      authority: { sandbox: "read-only", writable: [], network: [] }, proxy: undefined, room: undefined, missing: [], notes: [expect.stringContaining("names of hidden files")],
    });
  });

  test.each<[string, Parameters<typeof make>[0]]>([
    ["a writable workspace", { claim: { sandbox: "workspace" } }], ["a writable path", { claim: { sandbox: "custom", writable: ["/opt"] } }], ["a host", { claim: { network: ["a.example"] } }], ["the network", { claim: { network: "any" } }],
    ["this machine's ports", { claim: { network: ["localhost"] } }], ["too many names", { place: { readable: undefined } }], ["nothing to read", { place: { readable: [] } }], ["a kernel without it", { host: noHost }],
  ])("%s: it is not held, as on a host without anything", (_, change) => {
    expect(reading(change)).toMatchObject({ prefix: [], authority: { sandbox: "none" } });
    const refusing = reading({ ...change, place: { ...change?.place, withoutSandbox: "refuse", environment } });
    expect(refusing.missing).toEqual([expect.stringContaining("no sandbox works on this host")]);
  });
});

describe("the words", () => {
  test("workspace", () => {
    expect(lines(make())).toEqual([
      "/usr/bin/bwrap", "--ro-bind / /", "--dev /dev", "--proc /proc",
      "--perms 0555", "--tmpfs /run", "--bind /opt/vetsh/state/tmp/s1 /tmp", "--perms 1777", "--tmpfs /var/tmp",
      "--ro-bind /dev/null /home/dev/.netrc", "--perms 0000", "--tmpfs /home/dev/.ssh", "--bind /home/dev/w /home/dev/w",
      "--perms 0555", "--tmpfs /opt/vetsh/run", "--perms 0000", "--tmpfs /opt/vetsh/state", "--ro-bind /run/systemd/resolve /run/systemd/resolve",
      "--bind /home/dev/w/.git /home/dev/w/.git", "--bind /home/dev/w/.github /home/dev/w/.github", "--ro-bind /opt/vetsh/run/inner.sock /opt/vetsh/run/shim.sock",
      "--ro-bind /home/dev/w/.git/hooks /home/dev/w/.git/hooks", "--ro-bind /home/dev/w/.github/workflows /home/dev/w/.github/workflows",
      "--remount-ro /proc", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--unshare-net", "--cap-drop ALL", "--disable-userns",
      "--new-session", "--die-with-parent", "--chdir /home/dev/w/src", "-- /opt/vetsh/libexec/vetsh-init /usr/bin/bash",
    ]);
    expect(make()).toMatchObject({ closeFds: true, set: ["VETSH_SANDBOX=workspace", "TMPDIR=/tmp", DOCKER], authority: { sandbox: "workspace", writable: ["/home/dev/w", "/tmp"], network: [] }, missing: [], notes: [] });
  });

  test("caches are the workspace's, where it may be written, and a place of somebody's own in it stays", () => {
    const caches = { from: "/opt/vetsh/state/cache/c1", variables: [{ variable: "A_CACHE", directory: "a" }, { variable: "B_CACHE", directory: "b" }] };
    const made = make({ place: { caches, environment: new Map([["B_CACHE", "/home/dev/w/.b"]]) } });
    expect(lines(made)).toContain("--bind /opt/vetsh/state/cache/c1 /opt/vetsh/run/cache");
    expect(made.set.filter((pair) => pair.includes("CACHE"))).toEqual(["A_CACHE=/opt/vetsh/run/cache/a"]);
    const reading = make({ claim: { sandbox: "read-only" }, place: { caches } });
    expect([lines(reading).filter((line) => line.includes("cache")), reading.set.filter((pair) => pair.includes("CACHE"))]).toEqual([[], []]);
  });

  test("read-only: nothing is writable, /tmp neither, and temporary files have a place", () => {
    const made = make({ claim: { sandbox: "read-only" } });
    expect(made.prefix.filter((word) => word === "--bind").length).toBe(1);
    expect(lines(made)).toContain("--remount-ro /tmp");
    expect(made).toMatchObject({ set: ["VETSH_SANDBOX=read-only", "TMPDIR=/dev/shm", DOCKER], authority: { sandbox: "read-only", writable: [], network: [] } });
  });

  test("terminal, background, old bubblewrap", () => {
    const all = new Set(lines(make()));
    const without = (change: Parameters<typeof make>[0]): readonly string[] => [...all].filter((word) => !lines(make(change)).includes(word));
    expect(without({ place: { terminal: true } })).toEqual(["--new-session"]);
    expect(without({ place: { background: true } })).toEqual(["--die-with-parent"]);
    expect(without({ host: { ...host, disableUserns: false } })).toEqual(["--disable-userns"]);
  });

  test.each<[Claim["network"], DecisionSource, readonly string[] | "any"]>([
    [[], "rule", []], [["a.example"], "rule", ["a.example"]], [["a.example", "*.b.example:443"], "reviewer", ["a.example", "*.b.example:443"]], [["a.example"], "human", ["a.example"]],
    ["any", "rule", "any"], ["any", "human", "any"], ["any", "grant", "any"], ["any", "reviewer", []], ["any", "fallback", []],
    [["localhost"], "rule", []], [["localhost"], "human", "any"], [["localhost", "a.example"], "rule", ["a.example"]], [["localhost", "a.example"], "human", "any"], [[], "human", []],
  ])("network %o by %s gives %o", (network, source, given) => {
    const made = make({ claim: { network }, source });
    expect(made.authority.network).toEqual(given);
    expect(made.prefix.includes("--unshare-net")).toBe(given !== "any");
    expect(made.notes.length).toBe(network === "any" || network.includes("localhost") ? 1 : 0);
    // A way out exactly where hosts are filtered: its own, and nothing of it where there is none.
    const filtered = given !== "any" && (given.length > 0 || network === "any");
    expect(made.proxy).toEqual(filtered ? { socket: "/opt/vetsh/run/net/p1", hosts: given } : undefined);
    expect(made.prefix.join(" ").includes("--ro-bind /opt/vetsh/run/net/p1 /opt/vetsh/run/net.sock")).toBe(filtered);
    expect(made.prefix.slice(-4)).toEqual(filtered ? ["/opt/vetsh/libexec/vetsh-init", "--bridge", "/opt/vetsh/run/net.sock", "/usr/bin/bash"] : [...made.prefix.slice(-4, -2), "/opt/vetsh/libexec/vetsh-init", "/usr/bin/bash"]);
    expect(made.set.filter((pair) => /proxy/i.test(pair)).length).toBe(filtered ? 10 : 0);
  });

  test("ssh is led to the proxy where there is one, by its configuration or, where there is none, by a variable for git", () => {
    const sshConfig = { at: "/etc/ssh/ssh_config", from: "/opt/vetsh/run/ssh_config" };
    const look = (network: Claim["network"], place: Parameters<typeof make>[0] = {}): readonly [boolean, boolean] => {
      const made = make({ claim: { network }, source: "rule", ...place });
      return [made.prefix.join(" ").includes("--ro-bind /opt/vetsh/run/ssh_config /etc/ssh/ssh_config"), made.set.some((pair) => pair.startsWith("GIT_SSH_COMMAND="))];
    };
    expect(look(["a.example"], { place: { sshConfig } })).toEqual([true, false]);
    expect(look(["a.example"])).toEqual([false, true]);
    expect([look([], { place: { sshConfig } }), look("any", { place: { sshConfig } })]).toEqual([[false, false], [false, false]]);
  });

  test("settings that filter nothing give the whole network to a claim of hosts, and none to others", () => {
    const open = (network: Claim["network"]) => make({ claim: { network }, place: { proxySocket: "open" } });
    expect([open(["a.example"]), open([]), open(["localhost"])].map((made) => [made.authority.network, made.proxy])).toEqual([["any", undefined], [[], undefined], [[], undefined]]);
  });

  test("a linked work tree opens its git directories, and says so", () => {
    const made = make({ survey: { git: { kind: "linked", gitDir: "/home/dev/main/.git/worktrees/w", commonDir: "/home/dev/main/.git" }, protected: ["/home/dev/w/.git", "/home/dev/main/.git/worktrees/w/commondir"] } });
    expect(made.authority.writable).toEqual(["/home/dev/w", "/home/dev/main/.git", "/tmp"]);
    expect(lines(made)).toEqual(expect.arrayContaining(["--bind /home/dev/main/.git/worktrees /home/dev/main/.git/worktrees", "--bind /home/dev/main/.git/worktrees/w /home/dev/main/.git/worktrees/w", "--ro-bind /home/dev/main/.git/worktrees/w/commondir /home/dev/main/.git/worktrees/w/commondir"]));
  });

  test("the installation inside the workspace stays read-only, its private parts hidden", () => {
    const made = lines(make({ place: { root: "/home/dev/w/tools/vetsh", shimSocket: "/home/dev/w/tools/vetsh/run/inner.sock" } }));
    expect(made).toEqual(expect.arrayContaining(["--bind /home/dev/w/tools /home/dev/w/tools", "--ro-bind /home/dev/w/tools/vetsh /home/dev/w/tools/vetsh", "--tmpfs /home/dev/w/tools/vetsh/state"]));
  });

  test("a workspace below a hidden directory is there, and the hidden directory only lets through", () => {
    const made = lines(make({ survey: { workspace: "/home/dev/.ssh/w", protected: [] }, place: { cwd: "/home/dev/.ssh/w" } }));
    expect(made.indexOf("--bind /home/dev/.ssh/w /home/dev/.ssh/w")).toBeGreaterThan(made.indexOf("--tmpfs /home/dev/.ssh"));
    expect(made[made.indexOf("--tmpfs /home/dev/.ssh") - 1]).toBe("--perms 0111");
  });
});

describe("what cannot be given", () => {
  test.each<[string, Parameters<typeof make>[0], RegExp]>([
    ["the home directory as workspace", { survey: { workspace: "/home/dev" } }, /workspace `\/home\/dev` cannot be made writable: it is the home directory/],
    ["its parent", { survey: { workspace: "/home" } }, /it holds the home directory/],
    ["everything", { survey: { workspace: "/" } }, /it holds the home directory/],
    ["a directory of the system", { survey: { workspace: "/usr" } }, /directory of the system/],
    ["all of /tmp", { survey: { workspace: "/tmp" } }, /directory of the system/],
    ["vetsh's own", { survey: { workspace: "/opt/vetsh" } }, /belongs to vetsh/],
    ["the kernel's", writable("/proc/sys/kernel/core_pattern", "file"), /below \/proc/],
    ["sockets", writable("/run/user/1000", "directory"), /below \/run/],
    ["the home as an extra path", writable("/home/dev", "directory"), /home directory/],
    ["the home behind a link", writable("/srv/link", "directory", "/home/dev"), /home directory/],
    ["configuration of vetsh", writable("/home/dev/.config/vetsh/rules.toml", "file"), /belongs to vetsh/],
    ["a path that does not exist", writable("/srv/new", "missing"), /does not exist, and making `\/srv` writable would give more/],
    ["a device", writable("/srv/fifo", "other"), /neither a file nor a directory/],
    ["a path nobody looked at", { claim: { sandbox: "custom", writable: ["/srv/x"] } }, /not looked at/],
    ["a .git that is a link", { survey: { refused: ["`.git` is a symbolic link"] } }, /symbolic link/],
    ["a working directory in the real /tmp", { place: { cwd: "/tmp/elsewhere" } }, /not visible/],
    ["a working directory in /run", { place: { cwd: "/run/user/1000" } }, /not visible/],
    ["a relative path", { place: { home: "home" } }, /home is not an absolute path/],
    ["privilege by a rule", { claim: { privileged: true } }, /only be granted by a human/],
    ["no sandbox by a reviewer", { claim: { sandbox: "none" }, source: "reviewer" }, /only be granted by a human/],
    ["a host without a sandbox", { host: noHost }, /namespaces are off; switch them on/],
    ["more mounts than a command may cost", { survey: { protected: Array.from({ length: 130 }, (_, index) => `/home/dev/w/p${index}`) } }, /limit of mounts/],
  ])("%s", (_, change, reason) => {
    const made = make(change);
    expect(made.missing.join("\n")).toMatch(reason);
    expect(made).toMatchObject({ prefix: [], authority: { sandbox: "none", writable: [], network: [] } });
  });

  test("where there is no workspace, a command has /tmp and what was claimed", () => {
    const nowhere = { workspace: "/opt/vetsh/state/no-workspace", protected: [] };
    const made = make({ survey: nowhere, place: { cwd: "/home/dev" } });
    expect(made).toMatchObject({ authority: { sandbox: "workspace", writable: ["/tmp"] }, missing: [], notes: [expect.stringContaining("no workspace")] });
    expect(lines(made).filter((line) => line.includes("no-workspace"))).toEqual([]);
    expect(make({ ...writable("/srv/data", "directory"), survey: { ...nowhere, ...writable("/srv/data", "directory").survey } }).authority.writable).toEqual(["/srv/data", "/tmp"]);
  });

  test("a workspace that cannot be writable may still be read", () => {
    expect(make({ claim: { sandbox: "read-only" }, survey: { workspace: "/home/dev", refused: ["x"] } }).missing).toEqual([]);
  });

  test.each<[string, Parameters<typeof make>[0]]>([
    ["privilege, by a human", { claim: { privileged: true }, source: "human" }],
    ["privilege, by a grant", { claim: { privileged: true }, source: "grant" }],
    ["settings", { place: { unconfined: true } }],
    ["a host without a sandbox, by a human", { host: noHost, source: "human" }],
    ["a host without a sandbox, judged knowing that", { host: noHost, place: { withoutSandbox: "judged" } }],
  ])("without a sandbox, and saying so: %s", (_, change) => {
    expect(make(change)).toMatchObject({ prefix: [], closeFds: false, unset: [], set: ["VETSH_SANDBOX=none"], authority: { sandbox: "none", writable: ["/"], network: "any" }, missing: [] });
  });
});

describe("more paths", () => {
  test("existing files and directories, as they really are", () => {
    const made = make(writable("/srv/link", "directory", "/srv/real"));
    expect(made.authority).toEqual({ sandbox: "custom", writable: ["/srv/real", "/home/dev/w", "/tmp"], network: [] });
  });
  test("a path in the workspace needs nothing more; a protected one opens itself; a new one in a protected directory opens that", () => {
    const extra = (asked: string, kind: "file" | "missing") => make(writable(asked, kind)).authority.writable.filter((path) => !["/home/dev/w", "/tmp"].includes(path));
    expect(extra("/home/dev/w/new", "missing")).toEqual([]);
    expect(extra("/home/dev/w/.git/hooks/pre-push", "file")).toEqual(["/home/dev/w/.git/hooks/pre-push"]);
    expect(extra("/home/dev/w/.git/hooks/new", "missing")).toEqual(["/home/dev/w/.git/hooks"]);
  });
  test("a writable parent does not open what is protected, hidden or vetsh's below it", () => {
    const made = lines(make({ ...writable("/home/dev/.config", "directory"), survey: { writable: [{ asked: "/home/dev/.config", real: "/home/dev/.config", kind: "directory" }], protected: ["/home/dev/.config/vetsh"], hidden: [{ path: "/home/dev/.config/deep/gh", kind: "directory" }] } }));
    expect(made).toEqual(expect.arrayContaining(["--bind /home/dev/.config /home/dev/.config", "--ro-bind /home/dev/.config/vetsh /home/dev/.config/vetsh", "--bind /home/dev/.config/deep /home/dev/.config/deep", "--tmpfs /home/dev/.config/deep/gh"]));
  });
});

describe("the environment", () => {
  const unset = (names: readonly string[], secrets: readonly string[] = []): readonly string[] => make({ place: { environment: new Map(names.map((name) => [name, "v"])) }, claim: { secrets } }).unset;
  test.each(["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "GPG_AGENT_INFO", "GITHUB_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MY_SECRET_VALUE", "DB_PASSWORD", "DATABASE_URL", "NODE_CHANNEL_FD"])("%s goes", (name) => {
    expect(unset([name])).toEqual([name]);
  });
  test("what builds need stays", () => {
    expect(unset(["PATH", "HOME", "LANG", "TERM", "EDITOR", "AWS_REGION", "CARGO_HOME", "NODE_ENV", "CI", "TOKENIZERS_PARALLELISM", "OLD_STUFF", "GIT_AUTHOR_NAME", "LDFLAGS", "npm_config_cache"])).toEqual([]);
  });
  test("an approved variable stays, the loader's never", () => {
    expect(unset(["GH_TOKEN", "NPM_TOKEN", "LD_PRELOAD"], ["$GH_TOKEN", "$LD_PRELOAD"])).toEqual(["NPM_TOKEN", "LD_PRELOAD"]);
  });
  test("settings keep what looks like a secret and drop what does not; the loader's variables go whatever they say", () => {
    const inherit = { keep: ["NPM_TOKEN", "LD_*"], drop: ["BUILD_*"] };
    const left = (claim: Partial<Claim>, more: Partial<Place> = {}): readonly string[] => make({ place: { inherit, environment: new Map(["NPM_TOKEN", "GH_TOKEN", "LD_PRELOAD", "BUILD_ID", "BUILD_HOST", "PATH"].map((name) => [name, "v"])), ...more }, claim }).unset;
    expect(left({})).toEqual(["GH_TOKEN", "LD_PRELOAD", "BUILD_ID", "BUILD_HOST"]);
    expect(left({ secrets: ["$BUILD_ID"] })).toEqual(["GH_TOKEN", "LD_PRELOAD", "BUILD_HOST"]);
    expect(left({}, { unconfined: true })).toEqual(["BUILD_ID", "BUILD_HOST"]);
  });
  test("a library path comes back inside", () => {
    expect(lines(make({ place: { environment: new Map([["LD_LIBRARY_PATH", "/opt/lib"]]) } }))).toContain("--setenv LD_LIBRARY_PATH /opt/lib");
  });
});

test("a plan that was made is the same object, and another one when anything of what it rests on is other", () => {
  const claim = (sandbox: Claim["sandbox"]): Claim => ({ sandbox, writable: [], network: [], secrets: [], privileged: false });
  const permit = { claim: claim("workspace"), source: "rule" as const };
  const first = planOnce(permit, host, place);
  expect(planOnce({ ...permit, claim: claim("workspace") }, host, { ...place, guarded: [...place.guarded], environment: new Map(place.environment), proxySocket: "/opt/vetsh/run/net/p2" })).toBe(first);
  const others: readonly Plan[] = [
    planOnce({ ...permit, claim: claim("read-only") }, host, place),
    planOnce({ ...permit, source: "human" }, host, place),
    planOnce(permit, { ...host }, place),
    ...([
      { cwd: "/home/dev/w" }, { guarded: [] }, { proxySocket: "open" }, { terminal: true }, { background: true }, { survey: { ...survey } }, { inherit: { keep: [], drop: ["X"] } },
      { environment: new Map([["PATH", "/bin"], ["LD_PRELOAD", "x"]]) }, { environment: new Map([["PATH", "/bin\0LD_PRELOAD=x"]]) }, { environment: new Map([["PATH", "/bin10:LD_PRELOAD1:x"]]) },
    ] as const).map((change) => planOnce(permit, host, { ...place, ...change })),
  ];
  expect(new Set([first, ...others]).size).toBe(others.length + 1);
  expect(others.map((other) => other.unset).filter((unset) => unset.includes("LD_PRELOAD")).length).toBe(1);
});
