import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DIALECTS, LIMITS, type Layout } from "../model/index.ts";
import { findShells } from "./shells.ts";
import { viewPlan, type ViewPlan } from "./view-plan.ts";

/** Why there is no view here; in words for a person. */
export class ViewError extends Error {
  override readonly name = "ViewError";
}

/**
 * A view of the file system that is there while this object is, and longer for processes in it. INVARIANT: what is started with `command` sees
 * every covered path as the shim.
 */
export class View {
  readonly keeper: number;
  readonly covered: ViewPlan["covered"];
  /** Shells for which there is no shim. */
  readonly uncovered: readonly string[];
  /** True when the agent cannot undo it: it has a user namespace of its own. As root there is none, and root can unmount. */
  readonly holds: boolean;
  readonly #child: ChildProcess;
  readonly #init: string;
  readonly #started: string;

  private constructor(child: ChildProcess, said: "user" | "root", plan: ViewPlan, uncovered: readonly string[], init: string) {
    this.#child = child;
    this.#init = init;
    this.keeper = child.pid ?? 0;
    this.covered = plan.covered;
    this.uncovered = uncovered;
    this.holds = said === "user";
    const stat = readFileSync(`/proc/${this.keeper}/stat`, "latin1");
    this.#started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  }

  /** In: an installation, the PATH of the person. Out: a view. Rejects with ViewError when this host has none (not Linux, no namespaces), or not within LIMITS.viewReadyMs. */
  static async open(layout: Layout, path: string): Promise<View> {
    if (process.platform !== "linux") throw new ViewError("views of the file system are Linux's");
    const { root } = layout;
    for (const directory of ["libexec/real", "state/tmp", "state/cache", "run/human"]) mkdirSync(join(root, directory), { recursive: true, mode: 0o700 });
    const shells = findShells(path.split(":"), root);
    const plan = viewPlan({ layout, shells, passwd: passwdCopy(root), guarded: [layout.config].filter(existsSync) });
    if (plan.covered.length > LIMITS.coveredPaths) throw new ViewError(`there are more than ${LIMITS.coveredPaths} shells to cover`);
    const init = join(root, "libexec/vetsh-init");
    const child = spawn(init, ["--view", ...plan.operations], { cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin?.on("error", () => undefined);
    try {
      return new View(child, await readiness(child), plan, shells.uncovered, init);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  /** In: a program by its path, its arguments with argv[0] first, where it starts. Out: program and arguments that start it in the view. */
  command(file: string, argv: readonly string[], cwd: string): { readonly file: string; readonly args: readonly string[] } {
    return { file: this.#init, args: ["--into", String(this.keeper), this.#started, String(statSync("/proc/self/ns/mnt").ino), cwd, file, ...argv] };
  }

  /** Lets go. Processes in the view keep it. */
  close(): void {
    this.#child.stdin?.destroy();
  }
}

function readiness(child: ChildProcess): Promise<"user" | "root"> {
  return new Promise((done, fail) => {
    let complaint = "";
    let said = "";
    const timer = setTimeout(() => fail(new ViewError(`no view within ${LIMITS.viewReadyMs} ms`)), LIMITS.viewReadyMs);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => { complaint = (complaint + text).slice(0, LIMITS.shownReason); });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const kind = /^ready (user|root)\n/.exec(said)?.[1];
      if (kind !== "user" && kind !== "root") return;
      clearTimeout(timer);
      done(kind);
    });
    child.once("error", (error) => fail(new ViewError(error.message)));
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      fail(new ViewError(complaint.trim().replace(/^vetsh-init: /, "") || `vetsh-init ended with ${code ?? signal}`));
    });
  });
}

/** /etc/passwd with a shim as this user's login shell, for agents that read it; undefined when there is no such file of its own, or the user is not in it. */
function passwdCopy(root: string): string | undefined {
  const uid = process.getuid?.();
  if (lstatSync("/etc/passwd", { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  const at = lines.findIndex((line) => line.split(":")[2] === String(uid));
  const fields = lines[at]?.split(":");
  if (fields === undefined || fields.length < 7) return undefined;
  const shell = DIALECTS.find((dialect) => dialect === basename(fields[6] ?? "")) ?? "bash";
  lines[at] = [...fields.slice(0, 6), `${root}/shims/${shell}`].join(":");
  const copy = join(root, "state/view-passwd");
  writeFileSync(copy, lines.join("\n"), { mode: 0o644 });
  return copy;
}
