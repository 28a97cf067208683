import { z } from "zod";
import type { Grant, Grants } from "../decide/index.ts";
import { LIMITS, type PlanHash } from "../model/index.ts";
import type { Session } from "./sessions.ts";
import { readList, writeList } from "./stored-list.ts";

/**
 * Questions that nobody has answered yet, and answers that nobody has used yet, across restarts of the broker.
 * INVARIANT: an approval fits one plan, is spent before the command runs, and is spent once (I3).
 */
export type StoredQuestion = {
  readonly id: string;
  readonly planHash: string;
  /** What was asked, for `vetsh approvals`: command, reason and the like, as the agent wrote them. */
  readonly command: string;
  readonly cwd: string;
  readonly reason: string;
  readonly rule: string | undefined;
  readonly effects: readonly string[];
  readonly authority: string;
  readonly intent: string | undefined;
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly state: "open" | "approved" | "denied";
  /** What the agent is to be told with a "no". */
  readonly message: string | undefined;
  readonly by: string | undefined;
  /** Whose command asked: what a yes for the session is about. */
  readonly session: Session | undefined;
  /** How often the identical command has asked. */
  readonly times: number;
};

const optionalText = z.string().optional().transform((text): string | undefined => text);
export const sessionSchema = z.object({ pid: z.number(), start: z.string() });
const storedSchema = z.array(
  z.object({
    id: z.string(), planHash: z.string(), command: z.string(), cwd: z.string(), reason: z.string(), rule: optionalText, effects: z.array(z.string()),
    authority: z.string(), intent: optionalText, askedAt: z.number(), expiresAt: z.number(), state: z.enum(["open", "approved", "denied"]), by: optionalText, message: optionalText,
    session: sessionSchema.optional().transform((session): Session | undefined => session), times: z.number().default(1),
  }),
);

const EMPTY = { command: "", cwd: "", reason: "", rule: undefined, effects: [], authority: "", intent: undefined, message: undefined, session: undefined, times: 1 };

export class QuestionStore {
  readonly #path: string;
  readonly #now: () => number;
  readonly #questions: Map<string, StoredQuestion>;

  /** In: the file (made at the first question), the clock. A file that cannot be used counts as empty: nothing is approved. */
  constructor(path: string, now: () => number, onError: (message: string) => void) {
    this.#path = path;
    this.#now = now;
    this.#questions = new Map(readList(path, storedSchema, "open questions are lost", onError).map((question) => [question.id, question]));
  }

  /** Open questions and answers not used yet that have not expired, the oldest first. */
  all(): readonly StoredQuestion[] {
    return [...this.#questions.values()].filter((question) => question.expiresAt > this.#now());
  }

  get(id: string): StoredQuestion | undefined {
    const question = this.#questions.get(id);
    return question !== undefined && question.expiresAt > this.#now() ? question : undefined;
  }

  /** Keeps a question; beyond LIMITS.pendingQuestions the oldest are dropped. Throws the system's error when it cannot be written. */
  put(question: StoredQuestion): void {
    this.#questions.set(question.id, question);
    this.#write();
  }

  remove(id: string): void {
    if (this.#questions.delete(id)) this.#write();
  }

  /** Is there an unspent approval for this plan? Changes nothing. */
  approvalFor(planHash: PlanHash): StoredQuestion | undefined {
    return this.all().find((question) => question.state === "approved" && question.planHash === planHash);
  }

  /**
   * Takes an approval for this plan away and says whose it was; undefined when there is none.
   * SECURITY: it is gone from the disk before this returns, so that no crash makes it usable twice.
   */
  spend(planHash: PlanHash): StoredQuestion | undefined {
    const approval = this.approvalFor(planHash);
    if (approval !== undefined) this.remove(approval.id);
    return approval;
  }

  /** The same, as `decide` wants it. */
  grants(): Grants {
    const toGrant = (question: StoredQuestion): Grant => ({ planHash: question.planHash as PlanHash, id: question.id, by: question.by ?? "a person", expiresAt: question.expiresAt, keep: "once" });
    return {
      add: (grant) => this.put({ ...EMPTY, id: grant.id, planHash: grant.planHash, askedAt: this.#now(), expiresAt: grant.expiresAt, state: "approved", by: grant.by }),
      spend: (planHash) => {
        const spent = this.spend(planHash);
        return spent === undefined ? undefined : toGrant(spent);
      },
      revoke: (id) => {
        const known = this.get(id) !== undefined;
        this.remove(id);
        return known;
      },
      list: () => this.all().filter((question) => question.state === "approved").map(toGrant),
    };
  }

  #write(): void {
    const kept = this.all().slice(-LIMITS.pendingQuestions);
    this.#questions.clear();
    for (const question of kept) this.#questions.set(question.id, question);
    writeList(this.#path, kept);
  }
}
