import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { escapeText, LIMITS, redact, spellStrangers, type Question } from "../model/index.ts";
import type { Channel, HumanAnswer, Origin } from "./approvals.ts";

/**
 * Tells the desktop that something is asked. It has no buttons: one that appears under a pointer that is about to click would answer by
 * accident. Answers come through `vetsh approve ID`.
 */
export class NotificationChannel implements Channel {
  readonly name = "notification" as const;
  readonly #program: string;
  readonly #bus: string;
  readonly #log: (message: string) => void;

  /** `program`: notify-send. `bus`: the socket of the person's session bus. */
  constructor(program: string, bus: string, log: (message: string) => void) {
    this.#program = program;
    this.#bus = bus;
    this.#log = log;
  }

  present(question: Question, _origin: Origin, signal: AbortSignal): Promise<HumanAnswer | undefined> | undefined {
    if (!existsSync(this.#program) || !existsSync(this.#bus)) return undefined;
    const args = ["--app-name=vetsh", "--urgency=critical", "--", "vetsh asks", `${plain(question.command)}\n${plain(question.reason)}\nvetsh approve ${question.id}`];
    return new Promise((resolve) => {
      const over = (): void => resolve(undefined);
      execFile(this.#program, args, { timeout: LIMITS.webhookMs, env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", DBUS_SESSION_BUS_ADDRESS: `unix:path=${this.#bus}` } }, (error) => {
        if (error === null) return;
        this.#log(`no notification of question ${question.id}: ${escapeText(error.message.split("\n")[0] ?? "", { maxLength: LIMITS.shownPiece })}`);
        over();
      });
      signal.addEventListener("abort", over, { once: true });
      if (signal.aborted) over();
    });
  }
}

/** SECURITY: desktops read the body as markup. */
function plain(text: string): string {
  return spellStrangers(escapeText(redact(text.slice(0, LIMITS.shownCommand)).text, { maxLength: LIMITS.shownPiece })).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
