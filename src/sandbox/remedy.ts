import { readFile } from "node:fs/promises";
import { escapeText } from "../model/index.ts";
import type { Gap } from "./place.ts";

/**
 * In: what bubblewrap said when it could not start a sandbox. Out: the gap, with what the kernel's settings say about the
 * cause and what a person can do. Reads /proc only; the agent's environment has no say.
 */
export async function diagnose(said: string): Promise<Gap> {
  const line = escapeText(said.trim().split("\n").at(-1) ?? "", { maxLength: 300 }) || "it ended without a word";
  const gap = (reason: string, remedy: string): Gap => ({ feature: "namespaces", required: true, reason: `${reason} (bubblewrap: \`${line}\`)`, remedy });
  if ((await setting("/proc/sys/kernel/unprivileged_userns_clone")) === "0") return gap("user namespaces are switched off for ordinary users", "as root: `sysctl -w kernel.unprivileged_userns_clone=1`, and the same in /etc/sysctl.d to keep it");
  if ((await setting("/proc/sys/user/max_user_namespaces")) === "0") return gap("no user namespace may be made here: switched off, or this is inside another sandbox", "as root: `sysctl -w user.max_user_namespaces=15000`; inside another sandbox, switch that one off and let vetsh confine the commands");
  if ((await setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")) === "1") return gap("AppArmor forbids user namespaces to programs without a profile", "as root: add an AppArmor profile for /usr/bin/bwrap with `userns,` (see docs/sandbox.md), or `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`");
  if (/NoNewPrivs:\s*1/.test((await setting("/proc/self/status")) ?? "")) return gap("vetsh itself runs inside another sandbox that forbids namespaces", "switch the other sandbox off and let vetsh confine the commands, or start vetsh outside of it");
  if (await isContainer()) return gap("the container does not allow namespaces", "start it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`, or a seccomp profile that allows unshare, mount and pivot_root");
  if (/no answer within/.test(line)) return gap("starting a sandbox takes too long", "look for slow network mounts: `findmnt -t nfs,nfs4,autofs`");
  return gap("bubblewrap cannot make its namespaces", "try `bwrap --ro-bind / / --unshare-user --unshare-pid true` and see what it says");
}

async function setting(path: string): Promise<string | undefined> {
  // Absent or unreadable: says nothing about the cause.
  return readFile(path, "utf8").then((text) => text.trim(), () => undefined);
}

async function isContainer(): Promise<boolean> {
  const marks = await Promise.all(["/.dockerenv", "/run/.containerenv"].map(setting));
  return marks.some((mark) => mark !== undefined) || /\b(docker|containerd|kubepods|lxc)\b/.test((await setting("/proc/1/cgroup")) ?? "");
}
