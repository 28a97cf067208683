import { randomInt } from "node:crypto";
import { z } from "zod";
import type { Grant, Grants } from "../decide/index.ts";
import { LIMITS, type PlanHash } from "../model/index.ts";
import type { GrantedBody, Recorder } from "../record/index.ts";
import { sessionSchema, type QuestionStore } from "./question-store.ts";
import { isAlive, isSame, type Session } from "./sessions.ts";
import { readList, writeList } from "./stored-list.ts";

/** A human's yes to one plan for as long as one session lasts. Times in milliseconds since the epoch. */
export type SessionGrant = {
  readonly id: string;
  readonly planHash: string;
  readonly session: Session;
  readonly command: string;
  readonly cwd: string;
  readonly by: string;
  readonly grantedAt: number;
  readonly expiresAt: number;
  /** Commands that ran by it. */
  readonly uses: number;
};

const storedSchema = z.array(z.object({
  id: z.string(), planHash: z.string(), session: sessionSchema, command: z.string(), cwd: z.string(), by: z.string(), grantedAt: z.number(), expiresAt: z.number(), uses: z.number(),
}));

/** Records what concerns no single request. */
export type GrantRecord = Pick<Recorder, "granted" | "revoked">;

/**
 * Grants for a session, across restarts of the broker.
 * INVARIANT: each fits exactly one plan (line, directory, claim, rules in force) in one session, and ends with the session, at its time, or
 * when it is revoked, whichever is first; it is in the journal before it counts.
 */
export class SessionGrants {
  readonly #path: string;
  readonly #now: () => number;
  readonly #record: GrantRecord;
  #grants: readonly SessionGrant[];

  /** In: the file (made at the first grant), the clock, the journal. */
  constructor(path: string, now: () => number, record: GrantRecord, onError: (message: string) => void) {
    this.#path = path;
    this.#now = now;
    this.#record = record;
    this.#grants = readList(path, storedSchema, "grants for sessions are lost", onError);
  }

  /** Keeps a yes. Throws when it cannot be written down: then it does not count. */
  add(what: Pick<SessionGrant, "planHash" | "session" | "command" | "cwd" | "by">, channel: GrantedBody["channel"], lastsMs: number): SessionGrant {
    const now = this.#now();
    const grant: SessionGrant = { ...what, id: newId((id) => this.#grants.some((known) => known.id === id)), grantedAt: now, expiresAt: now + lastsMs, uses: 0 };
    const written = this.#record.granted({ id: grant.id, keep: "session", by: grant.by, channel, planHash: grant.planHash, command: grant.command, cwd: grant.cwd, expiresAt: grant.expiresAt, rules: [] });
    if (!written.ok) throw new Error(`the grant could not be recorded: ${written.message}`);
    this.#write([...this.list().filter((known) => !(known.planHash === grant.planHash && isSame(known.session, grant.session))), grant]);
    return grant;
  }

  /** Those that still hold, the oldest first. */
  list(): readonly SessionGrant[] {
    return this.#grants.filter(({ expiresAt, session }) => expiresAt > this.#now() && isAlive(session));
  }

  /** Takes a grant back. Out: whether there was one. */
  revoke(id: string, by: string): boolean {
    const left = this.#grants.filter((grant) => grant.id !== id);
    if (left.length === this.#grants.length) return false;
    this.#write(left);
    this.#record.revoked({ id, by });
    return true;
  }

  /** Approvals of one plan, spent once, and after them what this session was granted, as `decide` wants it. `session` is looked for only when some session was granted this plan. */
  with(once: ReturnType<QuestionStore["grants"]>, session: () => Session | undefined): Grants {
    return { ...once, spend: (planHash) => once.spend(planHash) ?? this.#use(planHash, session) };
  }

  #use(planHash: PlanHash, sessionOf: () => Session | undefined): Grant | undefined {
    const grants = this.#grants.filter((one) => one.planHash === planHash && one.expiresAt > this.#now());
    const session = grants.length === 0 ? undefined : sessionOf();
    const grant = grants.find((one) => isSame(one.session, session));
    if (grant === undefined) return undefined;
    this.#grants = this.#grants.map((one) => (one === grant ? { ...one, uses: one.uses + 1 } : one));
    return { planHash, id: grant.id, by: grant.by, expiresAt: grant.expiresAt, keep: "session" };
  }

  #write(grants: readonly SessionGrant[]): void {
    const kept = grants.slice(-LIMITS.sessionGrants);
    writeList(this.#path, kept);
    this.#grants = kept;
  }
}

const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789";

/** Short enough to type; not a secret: it gives no power without the control socket. */
export function newId(isTaken: (id: string) => boolean): string {
  for (;;) {
    const id = Array.from({ length: 6 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
    if (!isTaken(id)) return id;
  }
}
