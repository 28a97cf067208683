import { LIMITS } from "../model/index.ts";

/** What came of a piece of typing: the line as it is now, or its end. `undefined` text: the human went back. */
export type Typed = { readonly text: string; readonly over: false } | { readonly text: string | undefined; readonly over: true };

const SEQUENCE = /\x1b(?:\[[\x20-\x3f]*[\x40-\x7e]|O.|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)|.)/gs;

/**
 * Out: a reader of one line: chunks of input in, the line so far out. Enter ends it, Escape alone and Ctrl-C leave it, Backspace and Ctrl-U
 * take back. Sequences (arrows, mouse, pastes' marks, the terminal's own answers) are no text; a line feed that was pasted is a blank.
 */
export function createLineReader(): (chunk: Buffer) => Typed {
  const decoder = new TextDecoder();
  let text = "";
  return (chunk) => {
    const said = decoder.decode(chunk, { stream: true });
    if (said === "\x1b" || said === "\x03") return { text: undefined, over: true };
    const pasted = said.includes("\x1b[200~");
    for (const char of said.replace(SEQUENCE, "")) {
      if (char === "\r" || char === "\n") {
        if (!pasted) return { text: text.trim(), over: true };
        text += " ";
      } else if (char === "\x7f" || char === "\b") text = [...text].slice(0, -1).join("");
      else if (char === "\x15") text = "";
      else if (char >= " ") text += char;
    }
    text = text.slice(0, LIMITS.shownReason);
    return { text, over: false };
  };
}
