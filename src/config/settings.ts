import { z } from "zod";
import { CHANNELS, KEEPS, LIMITS, TIERS, escapeText } from "../model/index.ts";
import type { Channel, Keep, Tier } from "../model/index.ts";
import type { RuleProblem } from "../policy/index.ts";

/** Everything that can be set. What each means: docs/configuration.md. Durations in milliseconds, paths absolute. */
export type Settings = {
  readonly reviewer: {
    readonly enabled: boolean;
    /** OpenAI-compatible endpoint, up to and without `/chat/completions`. */
    readonly baseUrl: string | undefined;
    readonly model: string | undefined;
    /** File with the key on its first line, readable by its owner alone; undefined for endpoints without a key. */
    readonly keyFile: string | undefined;
    readonly timeoutMs: number;
    readonly tokenParameter: "max_completion_tokens" | "max_tokens";
  };
  readonly otlp: {
    /** Full URL of the traces endpoint; undefined: the local file only. */
    readonly endpoint: string | undefined;
    /** File with `Name: value` lines, readable by its owner alone. */
    readonly headersFile: string | undefined;
    /** What goes there. */
    readonly signals: readonly ("traces" | "logs" | "metrics")[];
    readonly timeoutMs: number;
  };
  readonly sandbox: {
    readonly use: "auto" | "never";
    /** What becomes of verdicts that lean on a sandbox where there is none. */
    readonly unconfined: "review" | "allow";
    /** "filtered": a command reaches the hosts of its claim; "open": one that claims any host reaches all of them. */
    readonly network: "filtered" | "open";
    /** What becomes of protected names that a command made where there were none: told, or also moved into the state directory. */
    readonly planted: "report" | "move";
  };
  readonly approvals: {
    /** How long a question holds its command; undefined: as long as its agent is known to wait (`rules/places/harnesses.toml`). */
    readonly holdMs: number | undefined;
    /** Whether questions may appear on the controlling terminal of the command. */
    readonly terminal: boolean;
    /** Where questions appear, those left out not at all. */
    readonly channels: readonly Channel[];
    /** Address that is told of each question. */
    readonly webhook: string | undefined;
    /** File with `Name: value` lines, readable by its owner alone. */
    readonly webhookHeadersFile: string | undefined;
    /** The widest yes that a person may give. */
    readonly widest: Keep;
    /** How long a yes for the session lasts at most. */
    readonly sessionMs: number;
  };
  readonly undo: {
    readonly use: "on" | "off";
    /** Which code puts the whole workspace at stake: none · what nobody could read · also the workspace's own. */
    readonly code: "never" | "unread" | "always";
    /** What becomes of a command when its snapshot fails or is not complete. */
    readonly without: "run" | "refuse";
    /** Of one snapshot, and of all of one workspace. Bytes, files, milliseconds. */
    readonly snapshotBytes: number;
    readonly snapshotFiles: number;
    readonly keepBytes: number;
    readonly keepMs: number;
  };
  readonly journal: {
    /** How long records are kept, and how much of them: milliseconds, bytes. */
    readonly keepMs: number;
    readonly keepBytes: number;
    /** What becomes of a command when its record cannot be written. */
    readonly whenFull: "refuse" | "run";
  };
  /** Ports of warm sandboxes that are published when something begins to listen on them. */
  readonly ports: { readonly publish: readonly number[] };
  /** Names of variables, `*` for any run of characters. `drop` is removed for every command; `keep` stays although its name looks like a secret's. */
  readonly environment: { readonly keep: readonly string[]; readonly drop: readonly string[] };
};

const MB = 1_048_576;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const DEFAULT_SETTINGS: Settings = {
  reviewer: { enabled: false, baseUrl: undefined, model: undefined, keyFile: undefined, timeoutMs: LIMITS.reviewMs, tokenParameter: "max_completion_tokens" },
  otlp: { endpoint: undefined, headersFile: undefined, signals: ["traces", "logs", "metrics"], timeoutMs: 5_000 },
  sandbox: { use: "auto", unconfined: "review", network: "filtered", planted: "report" },
  approvals: { holdMs: undefined, terminal: true, channels: ["outer-terminal", "tmux", "terminal", "webhook"], webhook: undefined, webhookHeadersFile: undefined, widest: "always", sessionMs: 8 * HOUR_MS },
  undo: { use: "on", code: "unread", without: "run", snapshotBytes: 256 * MB, snapshotFiles: 50_000, keepBytes: 2_048 * MB, keepMs: 14 * DAY_MS },
  journal: { keepMs: 365 * DAY_MS, keepBytes: 4_096 * MB, whenFull: "refuse" },
  ports: { publish: [] },
  environment: { keep: [], drop: [] },
};

/** Where a value comes from. A value without an origin is the default. */
export type Origin = { readonly tier: Tier; readonly file: string; readonly line: number };

/** One file's settings as TOML gave them, without its rules. */
export type SettingsSource = { readonly tier: Tier; readonly file: string; readonly data: unknown; readonly keyLines: ReadonlyMap<string, number> };

export type MergedSettings = { readonly settings: Settings; readonly origins: ReadonlyMap<string, Origin>; readonly problems: readonly RuleProblem[] };

const url = z.url({ protocol: /^https?$/ });
const path = z.string().regex(/^(?:\/|~\/)/, "must be an absolute path or begin with `~/`");
/** A pattern must name something: `*` alone would keep every secret there is. */
const variables = z.array(z.string().regex(/^(?=.*[A-Za-z0-9_]{2})[^\s=\0]{1,200}$/, "must be a variable's name, `*` for any characters in it")).max(LIMITS.environmentPatterns);
const duration = (most: number): z.ZodNumber => z.number().int().min(100).max(most);

const whole = (most: number): z.ZodNumber => z.number().int().min(1).max(most);

/** Strict: a misspelt setting is an error, not a default. */
const FILE = z.strictObject({
  reviewer: z.strictObject({ enabled: z.boolean(), base_url: url, model: z.string().min(1).max(200), key_file: path, timeout_ms: duration(120_000), token_parameter: z.enum(["max_completion_tokens", "max_tokens"]) }).partial(),
  otlp: z.strictObject({ endpoint: url, headers_file: path, signals: z.array(z.enum(["traces", "logs", "metrics"])).max(3), timeout_ms: duration(60_000) }).partial(),
  sandbox: z.strictObject({ use: z.enum(["auto", "never"]), unconfined: z.enum(["review", "allow"]), network: z.enum(["filtered", "open"]), planted: z.enum(["report", "move"]) }).partial(),
  approvals: z.strictObject({ hold_ms: duration(LIMITS.pendingMs), terminal: z.boolean(), channels: z.array(z.enum(CHANNELS)).max(CHANNELS.length), webhook: url, webhook_headers_file: path, widest: z.enum(KEEPS), session_hours: whole(168) }).partial(),
  undo: z.strictObject({ use: z.enum(["on", "off"]), code: z.enum(["never", "unread", "always"]), without: z.enum(["run", "refuse"]), snapshot_mb: whole(16_384), snapshot_files: whole(1_000_000), keep_mb: whole(1_048_576), keep_days: whole(3_650) }).partial(),
  journal: z.strictObject({ keep_days: whole(3_650), keep_mb: whole(1_048_576), when_full: z.enum(["refuse", "run"]) }).partial(),
  ports: z.strictObject({ publish: z.array(whole(65_535)).max(LIMITS.portsPublished) }).partial(),
  environment: z.strictObject({ keep: variables, drop: variables }).partial(),
  pin: z.array(z.string().min(1)).max(100),
}).partial();

const SECTIONS = ["reviewer", "otlp", "sandbox", "approvals", "undo", "journal", "ports", "environment"] as const;

/** Lists to which each tier adds: what one tier drops, no other brings back. */
const UNITED: ReadonlySet<string> = new Set(["environment.drop"]);

/**
 * In: settings of all tiers, lowest first, and the home that `~` means. Out: the merged settings, where each comes from,
 * and what was wrong. A later tier wins; a value that managed policy pins cannot be set below (setting it is a problem).
 */
export function mergeSettings(sources: readonly SettingsSource[], home: string): MergedSettings {
  const problems: RuleProblem[] = [];
  const values = new Map<string, unknown>();
  const origins = new Map<string, Origin>();
  const ordered = [...sources].sort((a, b) => TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier));
  const pins = new Set<string>();
  for (const source of ordered) {
    const read = readSettings(source, problems);
    for (const key of read.pins) pins.add(key);
    for (const [key, value] of read.values) {
      values.set(key, UNITED.has(key) ? [...((values.get(key) as readonly unknown[] | undefined) ?? []), ...(value as readonly unknown[])] : value);
      origins.set(key, { tier: source.tier, file: source.file, line: source.keyLines.get(key) ?? 1 });
    }
  }
  for (const key of pins) {
    if (origins.get(key)?.tier === "managed") continue;
    // A pin without a value of its own holds the default.
    values.delete(key);
    origins.delete(key);
  }
  return { settings: build(values, home), origins, problems };
}

function readSettings(source: SettingsSource, problems: RuleProblem[]): { readonly values: ReadonlyMap<string, unknown>; readonly pins: readonly string[] } {
  const values = new Map<string, unknown>();
  const complain = (key: string, message: string, hint: string): void => {
    problems.push({ tier: source.tier, file: source.file, line: lineOf(source.keyLines, key), rule: undefined, message, hint });
  };
  const parsed = FILE.safeParse(source.data);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key].join(".")) : [issue.path.join(".")];
      for (const key of keys) complain(key, escapeText(`\`${key}\`: ${issue.code === "unrecognized_keys" ? "no such setting" : issue.message}`, { maxLength: 300 }), "docs/configuration.md lists every setting");
    }
    return { values, pins: [] };
  }
  for (const section of SECTIONS) {
    for (const [key, value] of Object.entries(parsed.data[section] ?? {})) values.set(`${section}.${key}`, value);
  }
  const pins = parsed.data.pin ?? [];
  if (source.tier === "workspace" && (values.size > 0 || pins.length > 0)) {
    complain(values.keys().next().value ?? "pin", "a workspace may bring rules, not settings", "move the setting to your own `config.toml`");
    return { values: new Map(), pins: [] };
  }
  if (source.tier !== "managed" && pins.length > 0) complain("pin", "`pin` belongs to managed policy", "remove it");
  const unknown = pins.find((key) => !KEYS.has(key));
  if (unknown !== undefined) complain("pin", escapeText(`\`pin\` names \`${unknown}\`, which is no setting`, { maxLength: 300 }), `one of: ${[...KEYS].join(", ")}`);
  return { values, pins: source.tier === "managed" ? pins : [] };
}

/** The line of a key, or of the nearest one around it that stands on a line. */
function lineOf(keyLines: ReadonlyMap<string, number>, key: string): number {
  const around = key.split(".").map((_, at, parts) => parts.slice(0, parts.length - at).join("."));
  return around.map((one) => keyLines.get(one)).find((line) => line !== undefined) ?? 1;
}

/** Every setting by its name in a file. */
export const KEYS: ReadonlySet<string> = new Set(["reviewer.enabled", "reviewer.base_url", "reviewer.model", "reviewer.key_file", "reviewer.timeout_ms", "reviewer.token_parameter", "otlp.endpoint", "otlp.headers_file", "otlp.signals", "otlp.timeout_ms", "sandbox.use", "sandbox.unconfined", "sandbox.network", "sandbox.planted", "approvals.hold_ms", "approvals.terminal", "approvals.channels", "approvals.webhook", "approvals.webhook_headers_file", "approvals.widest", "approvals.session_hours", "undo.use", "undo.code", "undo.without", "undo.snapshot_mb", "undo.snapshot_files", "undo.keep_mb", "undo.keep_days", "journal.keep_days", "journal.keep_mb", "journal.when_full", "ports.publish", "environment.keep", "environment.drop"]);

/** The values were validated by `FILE`; each is read back as the type that its default has. */
function build(values: ReadonlyMap<string, unknown>, home: string): Settings {
  const pick = <T>(key: string, otherwise: T): T => (values.has(key) ? (values.get(key) as T) : otherwise);
  const file = (key: string): string | undefined => pick<string | undefined>(key, undefined)?.replace(/^~(?=\/)/, home);
  const { reviewer, otlp, sandbox, approvals, undo, journal, ports, environment } = DEFAULT_SETTINGS;
  return {
    reviewer: {
      enabled: pick("reviewer.enabled", reviewer.enabled),
      baseUrl: pick("reviewer.base_url", reviewer.baseUrl),
      model: pick("reviewer.model", reviewer.model),
      keyFile: file("reviewer.key_file"),
      timeoutMs: pick("reviewer.timeout_ms", reviewer.timeoutMs),
      tokenParameter: pick("reviewer.token_parameter", reviewer.tokenParameter),
    },
    otlp: { endpoint: pick("otlp.endpoint", otlp.endpoint), headersFile: file("otlp.headers_file"), signals: pick("otlp.signals", otlp.signals), timeoutMs: pick("otlp.timeout_ms", otlp.timeoutMs) },
    sandbox: { use: pick("sandbox.use", sandbox.use), unconfined: pick("sandbox.unconfined", sandbox.unconfined), network: pick("sandbox.network", sandbox.network), planted: pick("sandbox.planted", sandbox.planted) },
    approvals: { holdMs: pick("approvals.hold_ms", approvals.holdMs), terminal: pick("approvals.terminal", approvals.terminal), channels: pick("approvals.channels", approvals.channels), webhook: pick("approvals.webhook", approvals.webhook), webhookHeadersFile: file("approvals.webhook_headers_file"), widest: pick("approvals.widest", approvals.widest), sessionMs: pick("approvals.session_hours", approvals.sessionMs / HOUR_MS) * HOUR_MS },
    undo: {
      use: pick("undo.use", undo.use), code: pick("undo.code", undo.code), without: pick("undo.without", undo.without),
      snapshotBytes: pick("undo.snapshot_mb", undo.snapshotBytes / MB) * MB, snapshotFiles: pick("undo.snapshot_files", undo.snapshotFiles),
      keepBytes: pick("undo.keep_mb", undo.keepBytes / MB) * MB, keepMs: pick("undo.keep_days", undo.keepMs / DAY_MS) * DAY_MS,
    },
    journal: { keepMs: pick("journal.keep_days", journal.keepMs / DAY_MS) * DAY_MS, keepBytes: pick("journal.keep_mb", journal.keepBytes / MB) * MB, whenFull: pick("journal.when_full", journal.whenFull) },
    ports: { publish: pick("ports.publish", ports.publish) },
    environment: { keep: pick("environment.keep", environment.keep), drop: pick("environment.drop", environment.drop) },
  };
}
