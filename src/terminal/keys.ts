/** What the human's keyboard (and terminal) sent while a question takes keys. */
export type KeyEvent =
  | { readonly kind: "key"; readonly key: AnswerKey }
  /** Ctrl-C: no, at once. */
  | { readonly kind: "interrupt" }
  /** An answer of the terminal to a query of the agent: belongs to the agent. */
  | { readonly kind: "report"; readonly bytes: Buffer }
  /** Anything else: typing, pasting, mouse. */
  | { readonly kind: "other" };

/** Keys that mean something on their own: yes, no, for the session, always, no because, explain, write, back, widths. */
const ANSWER_KEYS = ["y", "n", "s", "a", "t", "e", "w", "b", "1", "2", "3"] as const;
export type AnswerKey = (typeof ANSWER_KEYS)[number];

const ESC = 0x1b;
const PASTE_START = "\x1b[200~";
const PASTE_END = "\x1b[201~";
/** Beyond this many bytes something that looks like the start of a sequence is none. */
const SEQUENCE_BYTES = 4096;

/**
 * Out: a reader that turns chunks of input into events. It keeps a sequence that is not finished until the rest comes, so that
 * the bytes inside one are never taken for keys.
 * SECURITY: a key counts only when it is the whole chunk: `yes` pasted, or a y inside an answer of the terminal that the agent
 * provoked (a title it set and asked back), is not an answer. A bracketed paste is swallowed whole.
 */
export function createKeyReader(): (chunk: Buffer) => readonly KeyEvent[] {
  let pending = "";
  let pasting = false;
  return (chunk) => {
    let text = pending + chunk.toString("latin1");
    pending = "";
    const events: KeyEvent[] = [];
    const wholeKey = text.length === 1 ? answerKey(text) : undefined;
    if (wholeKey !== undefined && !pasting) return [wholeKey];
    while (text !== "") {
      if (pasting) {
        const end = text.indexOf(PASTE_END);
        if (end < 0) {
          pending = text.slice(-(PASTE_END.length - 1));
          break;
        }
        pasting = false;
        text = text.slice(end + PASTE_END.length);
        events.push({ kind: "other" });
      } else if (text.startsWith(PASTE_START)) {
        pasting = true;
        text = text.slice(PASTE_START.length);
        events.push({ kind: "other" });
      } else {
        const length = sequenceLength(text);
        if (length === undefined && text.length < SEQUENCE_BYTES) {
          pending = text;
          break;
        }
        const piece = text.slice(0, length ?? text.length);
        text = text.slice(piece.length);
        events.push(isReport(piece) ? { kind: "report", bytes: Buffer.from(piece, "latin1") } : piece === "\x03" ? { kind: "interrupt" } : { kind: "other" });
      }
    }
    return events;
  };
}

function answerKey(key: string): KeyEvent | undefined {
  if (key === "\x03") return { kind: "interrupt" };
  const found = ANSWER_KEYS.find((one) => one === key.toLowerCase());
  return found === undefined ? undefined : { kind: "key", key: found };
}

/** In: text that is not empty. Out: the length of the sequence or character it begins with; undefined when that is not complete. */
function sequenceLength(text: string): number | undefined {
  if (text.charCodeAt(0) !== ESC) return 1;
  const kind = text[1];
  if (kind === undefined) return undefined;
  if (kind === "[") return completed(/^\x1b\[[\x20-\x3f]*[\x40-\x7e]/, text);
  if (kind === "O") return text.length >= 3 ? 3 : undefined;
  if ("]P_^X".includes(kind)) return completed(/^\x1b.[^\x07\x1b]*(?:\x07|\x1b\\)/, text);
  return 2;
}

function completed(pattern: RegExp, text: string): number | undefined {
  return pattern.exec(text)?.[0].length;
}

/** Device attributes, status, cursor position, mode and window reports, and string answers (colours, versions, titles). */
function isReport(piece: string): boolean {
  return /^\x1b\[[?>=]?[\d;:$]*[cnRytx]$/.test(piece) || /^\x1b[\]P_^X]/.test(piece);
}
