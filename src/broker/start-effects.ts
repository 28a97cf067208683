import type { Effect, Facts, Invocation } from "../model/index.ts";

const NOWHERE = { start: 0, end: 0 };

/** Variables that `startEffects` looks at, besides exported functions. */
export const SHELL_START_VARIABLES: ReadonlySet<string> = new Set(["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "ZDOTDIR", "HOME"]);

/**
 * In: one start of a shell, the variables it inherits that nobody vouched for, and its facts. Out: what the shell would do before the command itself because of its environment.
 * SECURITY: an exported function or BASH_ENV makes `ls` mean anything at all; a judged text is then not what runs.
 */
export function startEffects(invocation: Invocation, inherited: ReadonlyMap<string, string>, facts: Facts): readonly Effect[] {
  if (invocation.mode === "print") return [];
  const reasons: string[] = [];
  const level = facts.env.get("SHLVL");
  for (const [name, value] of inherited) {
    const reason = inheritedCode(name, value, invocation, facts);
    if (reason !== undefined) reasons.push(reason);
  }
  if ("startup" in invocation && invocation.startup.rcfile !== undefined) reasons.push(`the shell first reads \`${invocation.startup.rcfile}\``);
  return [
    ...reasons.map((reason): Effect => ({ kind: "opaque", reason, severity: "suspicious", span: NOWHERE, sure: "certain", by: "shell/start" })),
    ...(readsOtherHome(inherited, invocation, facts, level) ? [OTHER_HOME] : []),
  ];
}

/**
 * Start-up files of a home that the environment names (agents in tests and containers have one of their own): code that is not
 * in the line, read by the shell inside the sandbox, which holds it to the line's claim like a script of the workspace.
 */
const OTHER_HOME: Effect = { kind: "exec", what: "workspace", name: "start-up files of another home", span: NOWHERE, sure: "possible", by: "shell/start" };

function readsOtherHome(inherited: ReadonlyMap<string, string>, invocation: Invocation, facts: Facts, level: string | undefined): boolean {
  const home = inherited.get("HOME");
  return home !== undefined && home !== facts.home && (readsHome(invocation) || mayActAsRemoteShell(invocation, level));
}

function inheritedCode(name: string, value: string, invocation: Invocation, facts: Facts): string | undefined {
  if (name.startsWith("BASH_FUNC_")) return `the environment defines the function \`${name.slice("BASH_FUNC_".length).replace(/(?:%%|\(\))$/, "")}\``;
  const { dialect } = invocation;
  const bash = dialect === "bash" || dialect === "sh";
  switch (name) {
    case "BASH_ENV":
      return bash && value !== "" ? "the environment names a file that bash reads first (BASH_ENV)" : undefined;
    case "ENV":
      return value !== "" && (dialect !== "bash" || isPosix(invocation)) && isInteractive(invocation) ? "the environment names a file that the shell reads first (ENV)" : undefined;
    case "SHELLOPTS":
      return bash && /\b(?:xtrace|allexport|posix|keyword|physical)\b/.test(value) ? "the environment sets options of bash (SHELLOPTS)" : undefined;
    case "BASHOPTS":
      return bash && /\bextdebug\b/.test(value) ? "the environment sets options of bash (BASHOPTS)" : undefined;
    case "ZDOTDIR":
      return dialect === "zsh" && value !== facts.home ? "the environment moves the start-up files of zsh (ZDOTDIR)" : undefined;
    default:
      return undefined;
  }
}

function isInteractive(invocation: Invocation): boolean {
  return "startup" in invocation && invocation.startup.interactive;
}

function isPosix(invocation: Invocation): boolean {
  return "startup" in invocation && invocation.startup.posix;
}

/** bash reads `~/.bashrc` when standard input is a socket and no shell is above it: it takes itself for the shell of rshd. */
function mayActAsRemoteShell(invocation: Invocation, level: string | undefined): boolean {
  return invocation.dialect === "bash" && !(Number(level) >= 1);
}

/** Login and interactive shells read files of the home; zsh always reads `.zshenv`. */
function readsHome(invocation: Invocation): boolean {
  if (!("startup" in invocation)) return false;
  return invocation.dialect === "zsh" || invocation.startup.login || invocation.startup.interactive;
}
