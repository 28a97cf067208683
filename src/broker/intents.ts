import { escapeText, LIMITS, type Request } from "../model/index.ts";
import { hasTranscripts, lookUp, type Asked } from "../intent/index.ts";
import type { Recorder } from "../record/index.ts";
import { agentIdsOf } from "./identity.ts";

export type IntentsParts = { readonly home: string; readonly recorder: Pick<Recorder, "intent">; readonly log: (message: string) => void };

type Sought = { readonly asked: Asked; timer: NodeJS.Timeout | undefined; looks: number; over: boolean };

/**
 * Looks into agents' transcripts for why their commands run: some time after the verdict, and again when the command has
 * ended, because some agents write the call down only then. Each look is short (LIMITS.transcriptMs), and nothing waits for one.
 */
export class Intents {
  readonly #parts: IntentsParts;
  readonly #sought = new Map<string, Sought>();
  /** Calls that are some command's already: an agent that runs one line twice makes two calls. */
  readonly #taken = new Set<string>();
  /** Transcripts whose format nobody knows, said once each. */
  readonly #unknown = new Set<string>();

  constructor(parts: IntentsParts) {
    this.#parts = parts;
  }

  /** In: a request that an agent made itself (not one inside another), its agent, and the text that would run. Returns at once. */
  seek(request: Request, agent: string | undefined, text: string): void {
    if (agent === undefined || !hasTranscripts(agent) || this.#sought.size >= LIMITS.transcriptCalls) return;
    const sought: Sought = { asked: { agent, ...agentIdsOf(request.env), cwd: request.cwd, text }, timer: undefined, looks: 0, over: false };
    this.#sought.set(request.id, sought);
    this.#lookLater(request.id, sought);
  }

  /** The request has ended: a few more looks, if nothing was found yet. */
  ended(id: string): void {
    const sought = this.#sought.get(id);
    if (sought === undefined) return;
    sought.over = true;
    sought.looks = 0;
    clearTimeout(sought.timer);
    this.#lookLater(id, sought);
  }

  close(): void {
    for (const { timer } of this.#sought.values()) clearTimeout(timer);
    this.#sought.clear();
  }

  #lookLater(id: string, sought: Sought): void {
    const ms = (sought.over ? LIMITS.transcriptAfterMs : LIMITS.transcriptLooksMs)[sought.looks];
    sought.looks += 1;
    if (ms === undefined && sought.over) this.#sought.delete(id);
    else if (ms !== undefined) sought.timer = setTimeout(() => this.#look(id, sought), ms).unref();
  }

  #look(id: string, sought: Sought): void {
    try {
      const result = lookUp(this.#parts.home, sought.asked, this.#taken);
      switch (result.kind) {
        case "found": {
          const { file, call, text, prompt } = result.found;
          this.#take(`${file} ${call}`);
          this.#sought.delete(id);
          const written = this.#parts.recorder.intent({ id, text, source: "transcript", trust: "agent", call, prompt });
          if (!written.ok) this.#parts.log(`not recorded: ${written.message}`);
          return;
        }
        case "unknown":
          if (!this.#unknown.has(result.file)) this.#parts.log(`why commands of ${sought.asked.agent} run is not known: the format of \`${escapeText(result.file, { maxLength: 300 })}\` is not`);
          this.#unknown.add(result.file);
          this.#sought.delete(id);
          return;
        case "none":
          this.#lookLater(id, sought);
      }
    } catch (error) {
      // A fault of ours here must not end the broker, and changes nothing about the command.
      this.#sought.delete(id);
      this.#parts.log(`${id}: why it runs was not found: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #take(call: string): void {
    this.#taken.add(call);
    const oldest = this.#taken.values().next();
    if (this.#taken.size > LIMITS.transcriptCalls && !oldest.done) this.#taken.delete(oldest.value);
  }
}
