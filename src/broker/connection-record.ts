import { escapeText, LIMITS } from "../model/index.ts";
import type { NetworkEvent } from "../network/index.ts";
import type { Recorder } from "../record/index.ts";
import type { BrokerFrame } from "./frames.ts";

type Parts = { readonly recorder: Pick<Recorder, "connection">; readonly log: (message: string) => void };

/** What one command tries in the network: recorded up to LIMITS.recordedConnections, and what was refused is told to whoever reads its standard error. */
export class ConnectionRecord {
  readonly #id: string;
  readonly #say: (frame: BrokerFrame) => void;
  readonly #parts: Parts;
  readonly #noted = new Set<string>();
  #count = 0;

  /** In: the command's id, how its shim is told something. */
  constructor(id: string, say: (frame: BrokerFrame) => void, parts: Parts) {
    this.#id = id;
    this.#say = say;
    this.#parts = parts;
  }

  /** Whether anything was refused. */
  get wasStopped(): boolean {
    return this.#noted.size > 0;
  }

  add({ protocol, target, outcome, reason, sent, received }: NetworkEvent): void {
    if (outcome === "refused" && reason !== undefined) this.#note(reason);
    this.#count += 1;
    if (this.#count === LIMITS.recordedConnections + 1) this.#parts.log(`${this.#id}: more connections than are recorded one by one`);
    if (this.#count > LIMITS.recordedConnections) return;
    const recorded = this.#parts.recorder.connection(this.#id, { protocol, host: target?.host, port: target?.port, outcome, reason, sent, received });
    if (!recorded.ok) this.#parts.log(`not recorded: ${recorded.message}`);
  }

  /** Many clients show a status number and no word of ours. */
  #note(reason: string): void {
    if (this.#noted.has(reason) || this.#noted.size >= LIMITS.stopNotes) return;
    this.#noted.add(reason);
    this.#say({ type: "note", text: `vetsh: stopped: ${escapeText(reason, { maxLength: LIMITS.shownReason })}; hint: name what it has to reach in the command line so that it can be judged, or tell the person\n` });
  }
}
