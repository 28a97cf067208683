/** A throw-away workspace and the snapshots of it, with a real keeper. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ARTEFACTS } from "../../src/analyse/index.ts";
import { Undo, type ListedSnapshot, type LookAnswer, type Root, type Taken, type UndoAnswer, type UndoLimits } from "../../src/undo/index.ts";

export const ROOMY: UndoLimits = { snapshotBytes: 64 << 20, snapshotFiles: 20_000, keepBytes: 256 << 20, keepMs: 3_600_000 };

export type Bench = {
  readonly base: string;
  readonly workspace: string;
  readonly state: string;
  readonly undo: Undo;
  readonly logged: string[];
  write(path: string, content: string | Buffer, mode?: number): void;
  git(...args: string[]): string;
  /** Takes a snapshot of these roots, runs `command` in bash, looks at what it left. */
  around(roots: readonly Root[], command: string, limits?: UndoLimits): Promise<Taken>;
  tree(path: string, git?: "references" | "all"): Root;
  listed(id?: string): ListedSnapshot;
  look(id?: string, all?: boolean): Promise<LookAnswer>;
  back(id?: string, all?: boolean): Promise<UndoAnswer>;
  remove(): void;
};

export function bench(): Bench {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "vetsh-undo-")));
  const workspace = join(base, "work");
  const state = join(base, "state");
  mkdirSync(workspace);
  const logged: string[] = [];
  const program = resolve(import.meta.dirname, "../../src/undo/keeper.ts");
  const undo = new Undo(state, { node: process.execPath, program, artefacts: ARTEFACTS }, (message) => logged.push(message));
  const listed = (id?: string): ListedSnapshot => {
    const found = id === undefined ? undo.list().findLast(({ command }) => command !== undefined) : undo.list().find((one) => one.id === id);
    if (found === undefined) throw new Error("no such snapshot");
    return found;
  };
  const look = async (id?: string, all = false): Promise<LookAnswer> => {
    const answer = await undo.look(listed(id), all);
    if (!answer.ok) throw new Error(answer.why);
    return answer.value;
  };
  const own: Bench = {
    base, workspace, state, undo, logged, listed, look,
    write: (path, content, mode = 0o644) => {
      mkdirSync(dirname(join(workspace, path)), { recursive: true });
      writeFileSync(join(workspace, path), content, { mode });
    },
    git: (...args) => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "protocol.file.allow=always", ...args], { cwd: workspace, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], env: { PATH: "/usr/bin:/bin", HOME: base, GIT_CONFIG_NOSYSTEM: "1" } }),
    around: async (roots, command, limits = ROOMY) => {
      const taken = await undo.take(workspace, roots, { request: "r", command }, limits);
      execFileSync("/bin/bash", ["-c", command], { cwd: workspace, stdio: "ignore", env: { PATH: "/usr/bin:/bin", HOME: base, GIT_CONFIG_NOSYSTEM: "1" } });
      if (taken.outcome === "taken") await undo.after(workspace, taken.id, limits);
      return taken;
    },
    tree: (path, git = "references") => ({ anchor: workspace, path: path === "" ? workspace : Buffer.from(`${workspace}/${path}`).toString("latin1"), name: undefined, git, top: "tree", only: undefined }) as unknown as Root,
    back: async (id, all = false) => {
      const { digest } = await look(id, all);
      const answer = await undo.undo(listed(id), all, digest, ROOMY);
      if (!answer.ok) throw new Error(answer.why);
      return answer.value;
    },
    remove: () => {
      undo.close();
      rmSync(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return own;
}

/** Everything below a directory: kind, permissions and content, by name as bytes. `.git/objects` left out. */
export function photograph(directory: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (at: Buffer): void => {
    for (const name of readdirSync(at, { encoding: "buffer" })) {
      const path = Buffer.concat([at, Buffer.from("/"), name]);
      const key = path.toString("latin1").slice(directory.length + 1);
      if (/(?:^|\/)\.git\/objects$/.test(key)) continue;
      const stat = lstatSync(path);
      const mode = (stat.mode & 0o1777).toString(8);
      if (stat.isSymbolicLink()) found.set(key, `link ${readlinkSync(path, "latin1")}`);
      else if (stat.isDirectory()) {
        found.set(key, `directory ${mode}`);
        visit(path);
      } else found.set(key, `file ${mode} ${readFileSync(path).toString("base64")}`);
    }
  };
  visit(Buffer.from(directory));
  return found;
}
