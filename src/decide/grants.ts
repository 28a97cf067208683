import type { PlanHash } from "../model/index.ts";

/** A human's leave to run one plan. */
export type Grant = {
  readonly planHash: PlanHash;
  /** The question that was answered. */
  readonly id: string;
  readonly by: string;
  /** Milliseconds since the epoch; from then on it does not exist. */
  readonly expiresAt: number;
  /** once: gone when it was spent · session: for each run of exactly this plan in one session. */
  readonly keep: "once" | "session";
};

/** Approved plans, each usable once. In memory; keeping them over a restart is the broker's business. */
export type Grants = {
  /** A second grant of the same plan replaces the first: an approval is never worth two runs. */
  add(grant: Grant): void;
  /** Uses a grant. INVARIANT: one that is for one run is gone before anything runs (I3). */
  spend(planHash: PlanHash): Grant | undefined;
  /** Withdraws what a question had granted. Out: whether there was something to withdraw. */
  revoke(id: string): boolean;
  list(): readonly Grant[];
};

/** In: a clock in milliseconds since the epoch, and the most grants kept (the oldest go first). Out: an empty store. */
export function createGrants(now: () => number, most = 256): Grants {
  const store = new Map<PlanHash, Grant>();
  const dropExpired = (): void => {
    const time = now();
    for (const [hash, grant] of store) if (grant.expiresAt <= time) store.delete(hash);
  };
  return {
    add(grant) {
      dropExpired();
      store.delete(grant.planHash);
      store.set(grant.planHash, grant);
      const oldest = store.keys().next();
      if (store.size > most && oldest.done !== true) store.delete(oldest.value);
    },
    spend(planHash) {
      dropExpired();
      const grant = store.get(planHash);
      store.delete(planHash);
      return grant;
    },
    revoke(id) {
      const found = [...store.values()].find((grant) => grant.id === id);
      return found !== undefined && store.delete(found.planHash);
    },
    list() {
      dropExpired();
      return [...store.values()];
    },
  };
}
