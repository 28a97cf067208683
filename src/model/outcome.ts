/** What came of a run, as the shim reports it from wait4(2). */
export type Outcome =
  | { readonly kind: "exited"; readonly code: number; readonly usage: Usage }
  | { readonly kind: "signalled"; readonly signal: number; readonly usage: Usage }
  /** Refused: nothing ran. `code` is what the shim exits with (126). */
  | { readonly kind: "refused"; readonly code: number }
  /** The shim or the broker went away before the end was known. */
  | { readonly kind: "lost"; readonly reason: string };

export type Usage = { readonly wallUs: number; readonly userUs: number; readonly systemUs: number; readonly maxRssKb: number };

/** Why the command runs, as far as anybody said so. `trust` is who could have written it. */
export type Intent = { readonly text: string; readonly source: "env" | "comment" | "transcript"; readonly trust: "agent" | "human" };

/** Identifiers of the trace a request belongs to (W3C Trace Context). */
export type TraceContext = { readonly traceId: string; readonly spanId: string; readonly parentSpanId: string | undefined };
