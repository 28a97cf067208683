/** The four answers, in order of strictness. INVARIANT: combining verdicts is the maximum (I1). */
export const VERDICTS = ["allow", "review", "ask", "deny"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** In: two verdicts. Out: the stricter one. */
export function stricter(a: Verdict, b: Verdict): Verdict {
  return VERDICTS.indexOf(a) >= VERDICTS.indexOf(b) ? a : b;
}

/** In: any number of verdicts, at least one. Out: the strictest. */
export function strictest(first: Verdict, ...rest: readonly Verdict[]): Verdict {
  return rest.reduce(stricter, first);
}

/** Where a rule or a setting comes from; later tiers win only where the design lets them. */
export const TIERS = ["built-in", "user", "workspace", "managed"] as const;
export type Tier = (typeof TIERS)[number];
