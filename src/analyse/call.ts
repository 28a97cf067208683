import type { Dialect, EffectBody, ExecKind, Span } from "../model/index.ts";
import type { Context, Input } from "./context.ts";
import { pathTargets } from "./paths.ts";
import type { State } from "./state.ts";
import { only, type Field, type Origin } from "./value.ts";

/** What a nested command word may name: the shell's own commands as well, or only programs. */
export type Lookup = "builtins" | "programs";

/** What analysers and specs may ask of the interpreter. */
export type Runner = {
  /** A nested command line given as words: `env X`, `xargs X`, `find -exec X`. */
  argv(words: readonly Field[], call: Call, options?: { readonly input?: Input; readonly state?: State; readonly lookup?: Lookup }): void;
  /** Text that a shell will read: `sh -c TEXT`, `eval TEXT`. A new shell has its own state; `eval` works on ours. */
  text(text: Field, call: Call, options: { readonly dialect: Dialect; readonly state: State; readonly what: string }): void;
  /** A file that is run: its text is judged when it is a shell script that can be read. */
  file(path: Field, call: Call, options: { readonly language: string | undefined; readonly parameters: readonly Field[]; readonly state: State }): void;
};

/** What is done to a path. `list` shows names, sizes and dates, not what is inside. */
export type Access = "read" | "list" | "write" | "mkdir" | "delete" | "delete-tree" | "secret";

/** Words that a call was seen to use as paths, by what it does to them, from where it is. */
type Touched = { readonly directories: readonly string[] | undefined; readonly plain: Map<Access, Set<string>>; readonly globs: Map<Access, Set<string>> };

/** One simple command with its words expanded, on its way through a spec, an analyser or a builtin. */
export class Call {
  readonly name: string;
  readonly args: readonly Field[];
  readonly span: Span;
  readonly input: Input;
  readonly state: State;
  readonly context: Context;
  readonly run: Runner;
  /** `family/program`, `shell/eval`: who says so. */
  readonly by: string;
  /** Where relative paths of this call lead; `-C DIR` changes it for this call only. */
  directories: readonly string[] | undefined;
  /** Variables that only what this call starts sees (`env A=b X`). */
  readonly environment: (readonly [string, Field])[] = [];
  private touched: Touched | undefined;
  /** Set by `send`: data leaves through the network effects of this call. */
  sends = false;

  constructor(from: { readonly name: string; readonly args: readonly Field[]; readonly span: Span; readonly input: Input; readonly state: State; readonly context: Context; readonly run: Runner; readonly by: string }) {
    this.name = from.name;
    this.args = from.args;
    this.span = from.span;
    this.input = from.input;
    this.state = from.state;
    this.context = from.context;
    this.run = from.run;
    this.by = from.by;
    this.directories = from.state.directories;
  }

  /** The state of a program that this call starts: in the call's directory, with its variables. */
  child(): State {
    const state = this.state.clone();
    state.directories = this.directories;
    for (const [name, value] of this.environment) state.put(name, { value, elements: undefined, exported: true });
    return state;
  }

  add(body: EffectBody): void {
    this.context.add(body, this.span, this.by);
  }
  opaque(reason: string, severity: "unmodelled" | "unknown" | "suspicious" = "unmodelled"): void {
    this.context.opaque(reason, this.span, this.by, severity);
  }

  /** A file that a program which otherwise only reads is told to write (`sort -o`, `git log --output`). */
  output(value: Field): void {
    for (const text of value.texts) {
      if (text === "-" || text === "") continue;
      for (const path of pathTargets(text, value.glob, this.directories, this.context)) {
        if (path.zone !== "null") this.add({ kind: "write", path: { ...path, flags: [...path.flags, "by-option"] } });
      }
    }
  }

  /** A path that is read, written or deleted; secrets and stdin (`-`) are seen here for all callers. */
  path(value: Field, access: Access): void {
    // Nothing is added any more, and only a write changes what is known of files.
    if (this.context.isFull && access !== "write" && access !== "mkdir") return;
    if (value.many) this.onPath("\0", value.glob, access);
    for (const text of value.texts) {
      if (text === "-" && access !== "delete" && access !== "delete-tree") continue;
      if (text === "") continue;
      this.onPath(text, value.glob, access);
      // `@FILE` stands for the words of a file with many programs (gcc, nm, java, curl).
      if (access === "read" && /^@[~./]/.test(text)) this.onPath(text.slice(1), value.glob, access);
    }
  }

  private onPath(text: string, glob: boolean, access: Access): void {
    // The same word once more adds nothing: a long line of short words is mostly that.
    if (!this.isNew(text, glob, access)) return;
    const socket = text.startsWith("/dev/") ? /^\/dev\/(tcp|udp)\/([^/]*)\/(.*)$/.exec(text) : null;
    if (socket !== null) return this.host(socket[2]!, { port: Number(socket[3]) || undefined, sends: true });
    for (const path of pathTargets(text, glob, this.directories, this.context)) {
      if (access === "read") {
        this.add({ kind: "read", path });
        if (path.flags.includes("secret") && !(path.zone === "workspace" && this.keepsSecret())) this.add({ kind: "secret", path, variable: undefined });
      } else if (access === "list") this.add({ kind: "read", path: { ...path, flags: path.flags.filter((flag) => flag !== "leads-out") } });
      // An empty directory configures nothing; what is put into it is judged by itself.
      else if (access === "mkdir") this.add({ kind: "write", path: path.zone === "workspace" ? { ...path, flags: path.flags.filter((flag) => flag !== "protected") } : path });
      else if (access === "secret") this.add({ kind: "secret", path, variable: undefined });
      else if (access === "write") {
        if (path.zone === "null") continue;
        this.add({ kind: "write", path });
      } else this.add({ kind: "delete", path, recursive: access === "delete-tree" });
    }
  }

  private isNew(text: string, glob: boolean, access: Access): boolean {
    if (this.touched === undefined || this.touched.directories !== this.directories) this.touched = { directories: this.directories, plain: new Map(), globs: new Map() };
    const uses = glob ? this.touched.globs : this.touched.plain;
    let words = uses.get(access);
    if (words === undefined) uses.set(access, (words = new Set()));
    if (words.has(text)) return false;
    words.add(text);
    return true;
  }

  /** What is read goes into a file of the workspace that is itself kept as credentials (`cat k.key c.crt > both.pem`, `cp .env .env.bak`), and is shown to nobody. */
  private keepsSecret(): boolean {
    const end = this.state.ends.get(1);
    const to = this.name === "cat" && end?.kind === "file" ? end.path : this.name === "cp" ? only(this.args.at(-1)) : undefined;
    return to !== undefined && pathTargets(to, false, this.directories, this.context).every(({ zone, flags }) => zone === "workspace" && flags.includes("secret"));
  }

  /** Talks to a host. In: a name, address, or undefined when unknown. */
  host(name: string | undefined, options: { readonly port?: number | undefined; readonly sends?: boolean; readonly direction?: "out" | "in" } = {}): void {
    const known = name === undefined || /[\0\x01]/.test(name) || name === "" ? undefined : name.toLowerCase();
    this.add({ kind: "network", host: known, port: options.port, direction: options.direction ?? "out", loopback: known !== undefined && isLoopback(known), sends: options.sends ?? this.sends });
  }

  /**
   * A development server: on this machine's own addresses (in a sandbox, on its private ones, where only what runs beside it
   * reaches it), unless a word of the call names others.
   */
  serve(): void {
    const open = this.args.some((arg, at) => namesOtherAddress(only(arg), only(this.args[at + 1])));
    this.host(open ? undefined : "localhost", { direction: "in", sends: false });
  }

  exec(what: ExecKind, name: string): void {
    this.add({ kind: "exec", what, name });
  }

  /** Runs text whose content is not known: how bad that is depends on where it came from. */
  execUnknown(origin: Origin | undefined, what: string): void {
    if (origin?.kind === "download") return this.exec("download", origin.detail ?? "");
    if (origin?.kind === "decoded") return this.opaque(`${what}: the text is decoded at run time`, "suspicious");
    this.opaque(`${what}: the text is not known`, "unknown");
  }

  only(index: number): string | undefined {
    return only(this.args[index]);
  }
}

/** `--host 0.0.0.0`, `--bind=192.0.2.1`, `0.0.0.0:8000`, and a bare `--host`, which opens all addresses (vite). */
function namesOtherAddress(word: string | undefined, next: string | undefined): boolean {
  if (word === undefined) return false;
  const option = /^(?:-b|-H|-l|--?(?:host|hostname|bind|address|addr|ip|listen|interface|server\.address|NotebookApp\.ip|ServerApp\.ip))(?:=(.*))?$/.exec(word);
  if (option === null) return /(?:^|=|@|\/\/)(?:\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|(?:0|\*|\[?::\]?):\d+)$/.test(word) && !isOwnAddress(word.replace(/^.*(?:=|@|\/\/)/, ""));
  const value = option[1] ?? next;
  return value === undefined || value.startsWith("-") || !isOwnAddress(value);
}

function isOwnAddress(text: string): boolean {
  const host = text.replace(/:\d+$/, "");
  return host !== "0.0.0.0" && (isLoopback(text) || isLoopback(host) || /^(?:[1-9]\d*|unix:.*|\/.*)$/.test(host));
}

/** 127.0.0.0/8, ::1, localhost and names under it (RFC 6761). */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || /^127(?:\.\d{1,3}){1,3}$/.test(host) || host === "::1" || host === "[::1]" || host === "0.0.0.0";
}

/**
 * `scheme://user@host:port/path`, `host:port/path`, `user@host:path` → host and port.
 * Out: undefined host when it is not known. A scheme-less word is a host only where the caller says so.
 */
export function hostOf(url: string): { readonly scheme: string; readonly host: string | undefined; readonly port: number | undefined; readonly userinfo: boolean } {
  const match = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(?:([^/?#@]*)@)?(\[[^\]]*\]|[^/?#:]*)(?::([0-9]*))?/.exec(url);
  const scheme = (match?.[1] ?? "").toLowerCase();
  const host = match?.[3] ?? "";
  return { scheme, host: host === "" || /[\0\x01]/.test(host) ? undefined : host.toLowerCase(), port: match?.[4] === undefined || match[4] === "" ? undefined : Number(match[4]), userinfo: match?.[2] !== undefined };
}
