import { escapeText, LIMITS, redact, spellStrangers, type Question } from "../model/index.ts";
import type { Channel, HumanAnswer, Origin } from "./approvals.ts";

/** Where questions are told; undefined: nowhere. `headers` throws when they cannot be read. */
export type Hook = { readonly url: string; readonly headers: () => Readonly<Record<string, string>> };

/**
 * Tells an address of the human's choice that something is asked: the id and the question, escaped and without secrets. Answers come through
 * the human's side alone (`vetsh approve ID`): whatever the address says is not read.
 */
export class WebhookChannel implements Channel {
  readonly name = "webhook" as const;
  readonly #hook: () => Hook | undefined;
  readonly #log: (message: string) => void;

  constructor(hook: () => Hook | undefined, log: (message: string) => void) {
    this.#hook = hook;
    this.#log = log;
  }

  present(question: Question, _origin: Origin, signal: AbortSignal): Promise<HumanAnswer | undefined> | undefined {
    const hook = this.#hook();
    return hook === undefined ? undefined : this.#tell(hook, question, signal);
  }

  /** Resolves without an answer: at once when nobody could be told, else when the question is over. */
  async #tell({ url, headers }: Hook, question: Question, signal: AbortSignal): Promise<undefined> {
    try {
      const response = await fetch(url, {
        method: "POST", redirect: "error", headers: { "content-type": "application/json", ...headers() }, body: JSON.stringify(told(question)),
        signal: AbortSignal.any([signal, AbortSignal.timeout(LIMITS.webhookMs)]),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      if (!signal.aborted) this.#log(`the webhook was not told of question ${question.id}: ${escapeText(error instanceof Error ? error.message : String(error), { maxLength: LIMITS.shownReason })}`);
      return undefined;
    }
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    return undefined;
  }
}

function told({ id, command, effects, stake, reason, rule, instead, authority, intent, expiresAt }: Question): object {
  const show = (text: string): string => spellStrangers(escapeText(redact(text.slice(0, LIMITS.shownCommand)).text, { maxLength: LIMITS.shownReason }));
  return {
    version: 1, id, command: show(command), effects: effects.map(show), stake: (stake ?? []).map(show), reason: show(reason), rule: rule === undefined ? null : show(rule), instead: instead === undefined ? null : show(instead),
    authority: show(authority), intent: intent === undefined ? null : show(intent.text), expires: new Date(expiresAt).toISOString(), answer: `vetsh approve ${id}`,
  };
}
