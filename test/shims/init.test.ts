/** vetsh-init: what is left and what is refused inside, asked of the kernel by a small program built for it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildRoot, type Build, type Root } from "./install.ts";
import { start, type Ended } from "./start-shim.ts";

/** Makes each call with arguments that do nothing, and prints its name and errno. */
const PROBE = `
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#define TRY(name, ...) do { errno = 0; long r = syscall(__VA_ARGS__); printf("%s %s\\n", name, r < 0 ? strerrorname_np(errno) : "ok"); fflush(stdout); } while (0)
int main(void) {
  TRY("add_key", SYS_add_key, 0, 0, 0, 0, 0); TRY("request_key", SYS_request_key, 0, 0, 0, 0); TRY("keyctl", SYS_keyctl, 0, -3, 0);
  TRY("bpf", SYS_bpf, -1, 0, 0); TRY("perf_event_open", SYS_perf_event_open, 0, 0, -1, -1, 0); TRY("userfaultfd", SYS_userfaultfd, -1);
  TRY("mount", SYS_mount, 0, 0, 0, 0, 0); TRY("umount2", SYS_umount2, 0, 0); TRY("pivot_root", SYS_pivot_root, 0, 0);
  TRY("setns", SYS_setns, -1, 0); TRY("unshare", SYS_unshare, 0);
  TRY("open_tree", 428, -1, 0, 0); TRY("move_mount", 429, -1, 0, -1, 0, 0); TRY("fsopen", 430, 0, 0); TRY("fsconfig", 431, -1, 0, 0, 0, 0);
  TRY("fsmount", 432, -1, 0, 0); TRY("fspick", 433, -1, 0, 0); TRY("mount_setattr", 442, -1, 0, 0, 0, 0);
  TRY("io_uring_setup", 425, 0, 0); TRY("io_uring_enter", 426, -1, 0, 0, 0, 0, 0); TRY("io_uring_register", 427, -1, 0, 0, 0);
  TRY("clone3", SYS_clone3, 0, 0); TRY("clone namespaces", SYS_clone, CLONE_NEWUSER, 0, 0, 0, 0); TRY("clone files+namespace", SYS_clone, CLONE_FILES | CLONE_NEWNS, 0, 0, 0, 0);
  TRY("TIOCSTI", SYS_ioctl, 0, 0x5412, "x"); TRY("TIOCSTI high bits", SYS_ioctl, 0, 0xffffffff00005412UL, "x"); TRY("TIOCLINUX", SYS_ioctl, 0, 0x541c, "x");
  TRY("TIOCGWINSZ", SYS_ioctl, 0, 0x5413, 0);
#ifdef __x86_64__
  TRY("x32 getpid", 0x40000000 | SYS_getpid);
#endif
  TRY("getpid", SYS_getpid);
  pid_t child = fork(); if (child == 0) _exit(7); int status = 0; waitpid(child, &status, 0); printf("fork %d\\n", WEXITSTATUS(status)); fflush(stdout);
#ifdef __x86_64__
  child = fork(); if (child == 0) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20)); printf("i386 %ld\\n", r); _exit(0); }
  waitpid(child, &status, 0); printf("i386 call %s\\n", WIFSIGNALED(status) ? "killed" : "ran");
#endif
  return 0;
}
`;

/** Runs a program (path, argv…) in a session keyring with a key that only who holds the keyring can see. */
const KEYED = `
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  if (argc < 3 || syscall(SYS_keyctl, 1, 0) < 0) return 9;
  long key = syscall(SYS_add_key, "user", "vetsh-test-key", "x", 1, -3);
  if (key < 0 || syscall(SYS_keyctl, 5, key, 0x3f000000) < 0) return 9;
  execv(argv[1], argv + 2);
  return 9;
}
`;

describe.each<Build>(["static", "sanitize"])("%s build", (build) => {
  let root: Root;
  let place: string;
  let init: string;
  beforeAll(() => {
    root = buildRoot(build);
    init = join(root.path, "libexec/vetsh-init");
    place = mkdtempSync(join(tmpdir(), "vetsh-init-"));
    writeFileSync(join(place, "probe.c"), PROBE);
    writeFileSync(join(place, "keyed.c"), KEYED);
    for (const name of ["probe", "keyed"]) execFileSync("gcc", ["-O1", "-o", join(place, name), join(place, `${name}.c`)]);
  });
  afterAll(() => { root.remove(); rmSync(place, { recursive: true, force: true }); });
  const inside = (args: readonly string[], options: Parameters<typeof start>[2] = {}): Promise<Ended> => start(init, ["/usr/bin/bash", ...args], options).ended;

  test("the shell gets its argv, argv[0] included, stdio and environment, and its status comes back", async () => {
    const ended = await inside(["-bash", "-c", "shopt -q login_shell && echo login; echo \"$0 $1\"; exit 42", "zero", "one"], { env: { HOME: "/nonexistent", PATH: "/usr/bin" } });
    expect({ ...ended, stdout: ended.stdout.toString() }).toEqual({ code: 42, signal: null, stdout: "login\nzero one\n", stderr: "" });
  });

  test("system calls: refused are these, and no others of the probe", async () => {
    const lines = (await start(init, [join(place, "probe"), "probe"]).ended).stdout.toString().trim().split("\n");
    const eperm = ["add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "mount", "umount2", "pivot_root", "setns", "unshare", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"];
    const enosys = ["io_uring_setup", "io_uring_enter", "io_uring_register", "clone3"];
    expect(lines).toEqual([
      ...eperm.map((name) => `${name} EPERM`), ...enosys.map((name) => `${name} ENOSYS`), "clone namespaces EPERM", "clone files+namespace EPERM",
      "TIOCSTI EPERM", "TIOCSTI high bits EPERM", "TIOCLINUX EPERM", "TIOCGWINSZ ENOTTY",
      ...(process.arch === "x64" ? ["x32 getpid ENOSYS"] : []), "getpid ok", "fork 7", ...(process.arch === "x64" ? ["i386 call killed"] : []),
    ]);
    // Without init the same probe gets other answers: the row above is not the kernel's own refusal.
    const bare = (await start(join(place, "probe"), []).ended).stdout.toString();
    expect(bare).toContain("unshare ok");
    expect(bare).not.toContain("clone3 ENOSYS");
  });

  test("no_new_privs and the filter are on for the shell and what it starts", async () => {
    const ended = await inside(["bash", "-c", "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status"]);
    expect(ended.stdout.toString()).toBe("NoNewPrivs:\t1\nSeccomp:\t2\n");
  });

  test("inherited descriptors from 3 up are gone", async () => {
    const ended = await start("/usr/bin/bash", ["-c", `exec 3</ 9</ 200</; exec "$1" /usr/bin/bash bash -c 'cd /proc/$$/fd && for fd in 3 9 200; do test -e $fd && echo $fd open; done; cd /proc/self/fd/9 2>/dev/null || echo shut'`, "_", init]).ended;
    expect(ended.stdout.toString()).toBe("shut\n");
  });

  test("the caller's session keyring is left", async () => {
    const look = ["-c", "grep -c vetsh-test-key /proc/keys"];
    const keyed = (...args: string[]): Promise<Ended> => start(join(place, "keyed"), args).ended;
    expect((await keyed("/usr/bin/bash", "bash", ...look)).stdout.toString()).toBe("1\n");
    expect((await keyed(init, "vetsh-init", "/usr/bin/bash", "bash", ...look)).stdout.toString()).toBe("0\n");
  });

  test("the caller's signal mask comes back, and the variable that carried it is gone", async () => {
    const script = `env --block-signal=TERM,USR1 VETSH_INIT_MASK=0000000000000800 "$1" /usr/bin/bash bash -c 'grep SigBlk /proc/self/status; echo "\${VETSH_INIT_MASK-none}"; env | grep -c VETSH'`;
    expect((await start("/usr/bin/bash", ["-c", script, "_", init]).ended).stdout.toString()).toBe("SigBlk:\t0000000000000800\nnone\n0\n");
  });

  test("ordinary work is not in the way of the filter", async () => {
    const ended = await inside(["bash", "-c", "set -e; x=$(seq 1 1000 | sort -rn | head -n 1); test \"$x\" = 1000; (exit 3) || test $? = 3; sleep 0 & wait $!; diff <(echo a) <(echo a); timeout 5 true; echo fine"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout.toString()).toBe("fine\n");
    const node = await start(init, [process.execPath, "node", "-e", "require('fs').promises.readFile('/etc/passwd').then(() => console.log('read'))"]).ended;
    expect(node.stdout.toString()).toBe("read\n");
  });

  test.each([[[]], [["/usr/bin/bash"]], [["bash", "bash", "-c", "echo ran"]]])("misuse %j: one line, 126", async (args: string[]) => {
    const ended = await start(init, args).ended;
    expect({ ...ended, stdout: ended.stdout.toString() }).toMatchObject({ code: 126, stdout: "", stderr: expect.stringMatching(/^vetsh-init: usage: [^\n]*\n$/) });
  });

  test("a shell that is not there: one line, 126", async () => {
    expect(await start(init, ["/nonexistent/sh", "sh"]).ended).toMatchObject({ code: 126, stderr: "vetsh-init: cannot start /nonexistent/sh: No such file or directory, nothing ran; hint: vetsh doctor\n" });
  });
});
