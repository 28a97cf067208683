import { z } from "zod";
import { KEEPS, LIMITS, type Keep, type Question, type RuleOffer } from "../model/index.ts";
import type { ListedSnapshot, LookAnswer, UndoAnswer } from "../undo/index.ts";
import type { ListedPort, PortAnswer } from "./ports.ts";
import type { WrittenRule } from "./rule-desk.ts";
import type { SessionGrant } from "./session-grants.ts";
import type { StoredQuestion } from "./question-store.ts";

/**
 * What the human's programs and the broker say to each other on `ROOT/run/human/control.sock`: one JSON object a line, one answer
 * to each request in the order of the requests. After `attach`, questions and withdrawals arrive between the answers.
 * SECURITY: sandboxes hide this socket. A process of the same user outside every sandbox can use it, as it could use the
 * human's terminal: see docs/limits.md.
 */
const by = z.string().max(200).optional();
const path = z.string().max(4_096).refine((text) => text.startsWith("/"), "must be an absolute path");
/** The view of the file system that `vetsh run` starts its agent in: a process in it, and what it shows something else for. */
const view = z.object({ keeper: z.number().int().positive(), covered: z.array(z.object({ at: path, original: path })).max(LIMITS.coveredPaths).readonly() }).optional();
/** For the record: which agent, by which ways its shells come to us. */
const route = z.object({ agent: z.string().max(400), ways: z.array(z.string().max(400)).max(16).readonly() }).optional();
const port = z.number().int().min(1).max(65_535);
export const controlRequest = z.discriminatedUnion("op", [
  z.object({ op: z.literal("status") }),
  z.object({ op: z.literal("stop") }),
  z.object({ op: z.literal("reload") }),
  z.object({ op: z.literal("questions") }),
  z.object({ op: z.literal("answer"), id: z.string().max(64), answer: z.enum(["yes", "no"]), message: z.string().max(LIMITS.shownCommand).optional(), keep: z.enum(KEEPS).optional(), width: z.enum(["line", "options", "place"]).optional(), toml: z.string().max(LIMITS.configBytes).optional(), by }),
  z.object({ op: z.literal("rules"), id: z.string().max(64) }),
  z.object({ op: z.literal("grants") }),
  z.object({ op: z.literal("revoke"), id: z.string().max(64), by }),
  z.object({ op: z.literal("attach"), pid: z.number().int().positive(), asks: z.boolean().default(true), view, route, by }),
  z.object({ op: z.literal("snapshots") }),
  z.object({ op: z.literal("undo-look"), id: z.string().max(64), all: z.boolean() }),
  z.object({ op: z.literal("undo"), id: z.string().max(64), all: z.boolean(), digest: z.string().max(64), by }),
  z.object({ op: z.literal("ports") }),
  z.object({ op: z.literal("publish"), port, as: port.optional(), workspace: z.string().max(4_096).optional(), pid: z.number().int().positive().optional(), by }),
  z.object({ op: z.literal("unpublish"), port }),
  z.object({ op: z.literal("vouch"), digests: z.array(z.string().max(64)).max(LIMITS.vouchedVariables) }),
  z.object({ op: z.literal("terminal"), device: z.string().max(256), leader: z.number().int().positive(), tmux: z.object({ socket: z.string().max(256).startsWith("/"), pane: z.string().regex(/^%\d{1,9}$/) }).optional() }),
  z.object({ op: z.literal("question"), id: z.string().max(64) }),
]);
export type ControlRequest = z.infer<typeof controlRequest>;

/** `hint` is what to do about an error; both are safe to print. */
export type ControlError = { readonly ok: false; readonly error: string; readonly hint: string };

export type BrokerStatus = {
  readonly pid: number;
  readonly root: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly requests: number;
  readonly running: number;
  readonly sandboxed: boolean;
  readonly policy: string;
  /** What is wrong with the configuration; the last good one is in force. */
  readonly problems: readonly string[];
};

export type ControlAnswers = {
  readonly status: { readonly ok: true; readonly status: BrokerStatus };
  readonly stop: { readonly ok: true };
  readonly reload: { readonly ok: true; readonly problems: readonly string[] };
  readonly questions: { readonly ok: true; readonly questions: readonly (StoredQuestion & { readonly held: boolean })[] };
  /** answered: a command waited for it · kept: for the identical command, once. */
  readonly answer: { readonly ok: true; readonly effect: "answered" | "kept"; /** How far a yes goes in the end. */ readonly kept: Keep };
  /** A question that a command waits for; null when it is over. */
  readonly question: { readonly ok: true; readonly question: Question | null };
  /** The rules that "always" could write. */
  readonly rules: { readonly ok: true; readonly offer: RuleOffer };
  readonly grants: { readonly ok: true; readonly grants: readonly SessionGrant[]; /** Written by an "always". */ readonly rules: readonly WrittenRule[] };
  readonly revoke: { readonly ok: true };
  readonly attach: { readonly ok: true };
  readonly snapshots: { readonly ok: true; readonly snapshots: readonly ListedSnapshot[] };
  readonly "undo-look": { readonly ok: true; readonly look: LookAnswer & { readonly snapshot: ListedSnapshot } };
  readonly undo: { readonly ok: true; readonly done: UndoAnswer };
  readonly ports: { readonly ok: true; readonly ports: readonly ListedPort[] };
  readonly publish: Extract<PortAnswer, { ok: true }>;
  readonly unpublish: Extract<PortAnswer, { ok: true }>;
  readonly vouch: { readonly ok: true };
  readonly terminal: { readonly ok: true };
};

/** What an attached program gets without having asked. */
export type Pushed = { readonly question: Question } | { readonly withdrawn: string };
