/**
 * `vetsh [--root ROOT] SUBCOMMAND …`: the human's command line. The only place that prints and sets exit codes.
 */
import { escapeText, VERSION } from "../model/index.ts";
import { Failure, USAGE, type Subcommand } from "./command.ts";

type Entry = { readonly name: string; readonly about: string; readonly load: () => Promise<{ readonly run: Subcommand; readonly usage: string }> };

/** Each is loaded when it is asked for: `vetsh env` in a start-up file must not wait for a terminal emulator. */
const SUBCOMMANDS: readonly Entry[] = [
  { name: "run", about: "runs an agent in this terminal, with our shells", load: async () => { const { run, RUN_USAGE } = await import("./run.ts"); return { run, usage: RUN_USAGE }; } },
  { name: "play", about: "shows a recorded terminal again", load: async () => { const { play, PLAY_USAGE } = await import("./play.ts"); return { run: play, usage: PLAY_USAGE }; } },
  { name: "env", about: "prints what makes a terminal's shells ours", load: async () => { const { env, ENV_USAGE } = await import("./env.ts"); return { run: env, usage: ENV_USAGE }; } },
  { name: "check", about: "says what would happen to a command line", load: async () => { const { check, CHECK_USAGE } = await import("./check.ts"); return { run: check, usage: CHECK_USAGE }; } },
  { name: "explain", about: "shows how a command line is read, and why", load: async () => { const { explain: run, EXPLAIN_USAGE } = await import("./explain.ts"); return { run, usage: EXPLAIN_USAGE }; } },
  { name: "test", about: "checks the examples of rules", load: async () => { const { test, TEST_USAGE } = await import("./test.ts"); return { run: test, usage: TEST_USAGE }; } },
  { name: "replay", about: "judges what ran by other rules", load: async () => { const { replay, REPLAY_USAGE } = await import("./replay.ts"); return { run: replay, usage: REPLAY_USAGE }; } },
  { name: "stats", about: "counts questions, and what causes them", load: async () => { const { stats, STATS_USAGE } = await import("./stats.ts"); return { run: stats, usage: STATS_USAGE }; } },
  { name: "log", about: "prints what ran", load: async () => { const { log, LOG_USAGE } = await import("./log.ts"); return { run: log, usage: LOG_USAGE }; } },
  { name: "show", about: "tells all about one command", load: async () => { const { show, SHOW_USAGE } = await import("./show.ts"); return { run: show, usage: SHOW_USAGE }; } },
  { name: "report", about: "sums up what agents did, and what was stopped", load: async () => { const { report, REPORT_USAGE } = await import("./report.ts"); return { run: report, usage: REPORT_USAGE }; } },
  { name: "audit", about: "verifies the record, prints its checkpoints", load: async () => { const { audit, AUDIT_USAGE } = await import("./audit.ts"); return { run: audit, usage: AUDIT_USAGE }; } },
  { name: "approvals", about: "lists open questions", load: async () => { const { approvals, APPROVALS_USAGE } = await import("./approvals.ts"); return { run: approvals, usage: APPROVALS_USAGE }; } },
  { name: "approve", about: "lets one command run, once", load: async () => { const { approve, APPROVALS_USAGE } = await import("./approvals.ts"); return { run: approve, usage: APPROVALS_USAGE }; } },
  { name: "deny", about: "refuses one command", load: async () => { const { deny, APPROVALS_USAGE } = await import("./approvals.ts"); return { run: deny, usage: APPROVALS_USAGE }; } },
  { name: "ask", about: "shows one question on this terminal", load: async () => { const { ask, ASK_USAGE } = await import("./ask.ts"); return { run: ask, usage: ASK_USAGE }; } },
  { name: "grants", about: "lists what may run again without a question", load: async () => { const { grants, GRANTS_USAGE } = await import("./grants.ts"); return { run: grants, usage: GRANTS_USAGE }; } },
  { name: "undo", about: "brings back what a command deleted or overwrote", load: async () => { const { undo, UNDO_USAGE } = await import("./undo.ts"); return { run: undo, usage: UNDO_USAGE }; } },
  { name: "ports", about: "shows servers in sandboxes, and publishes their ports here", load: async () => { const { ports, PORTS_USAGE } = await import("./ports.ts"); return { run: ports, usage: PORTS_USAGE }; } },
  { name: "broker", about: "starts, stops or shows the broker", load: async () => { const { broker, BROKER_USAGE } = await import("./broker.ts"); return { run: broker, usage: BROKER_USAGE }; } },
  { name: "doctor", about: "looks whether everything is in place", load: async () => { const { doctor, DOCTOR_USAGE } = await import("./doctor.ts"); return { run: doctor, usage: DOCTOR_USAGE }; } },
];

const USAGE_TEXT = `usage: vetsh SUBCOMMAND …

${SUBCOMMANDS.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join("\n")}
  help       shows how a subcommand is used

vetsh is a shell that vets: it reads every command a coding agent runs, gives it what it needs and no more, and keeps a record.
`;

async function main(argv: readonly string[]): Promise<number> {
  const { root, rest } = takeRoot(argv);
  const [name, ...args] = rest;
  if (name === undefined) {
    process.stderr.write(USAGE_TEXT);
    return USAGE;
  }
  if (name === "--version" || name === "-V") {
    process.stdout.write(`vetsh ${VERSION}\n`);
    return 0;
  }
  if (name === "help" || name === "--help" || name === "-h") return help(args[0]);
  const loaded = await find(name).load();
  if (args[0] === "--help" || args[0] === "-h") {
    process.stdout.write(loaded.usage);
    return 0;
  }
  const { findInstallation } = await import("./installation.ts");
  const { layout, installed } = findInstallation(process.argv[1] ?? "", root);
  return loaded.run({ args, layout, installed, terminal: { out: process.stdout, err: process.stderr, input: process.stdin } });
}

/** `--root` stands before the subcommand. */
function takeRoot(argv: readonly string[]): { readonly root: string | undefined; readonly rest: readonly string[] } {
  if (argv[0] !== "--root") return { root: undefined, rest: argv };
  if (argv[1] === undefined) throw new Failure("`--root` needs a directory", "`vetsh --help` shows how", USAGE);
  return { root: argv[1], rest: argv.slice(2) };
}

async function help(name: string | undefined): Promise<number> {
  process.stdout.write(name === undefined ? USAGE_TEXT : (await find(name).load()).usage);
  return 0;
}

function find(name: string): Entry {
  const entry = SUBCOMMANDS.find((one) => one.name === name);
  if (entry === undefined) throw new Failure(`there is no subcommand \`${escapeText(name, { maxLength: 40 })}\``, "`vetsh --help` lists them", USAGE);
  return entry;
}

function explain(error: unknown): { readonly text: string; readonly code: number } {
  if (error instanceof Failure) return { text: `vetsh: ${error.message}\nhint: ${error.hint}\n`, code: error.exitCode };
  if (error instanceof Error && "hint" in error && typeof error.hint === "string") return { text: `vetsh: ${error.message}\nhint: ${error.hint}\n`, code: 1 };
  if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) {
    return { text: `vetsh: ${(error.message.split(". ")[0] ?? "").replace(/^./, (first) => first.toLowerCase())}\nhint: \`vetsh help SUBCOMMAND\` shows how\n`, code: USAGE };
  }
  return { text: `vetsh: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nhint: this is a bug of vetsh: report it with the lines above\n`, code: 1 };
}

// A reader that went away (`vetsh log | head`) ends us quietly.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const { text, code } = explain(error);
  process.stderr.write(text);
  process.exitCode = code;
}
