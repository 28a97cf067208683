/** Looking at output as bytes, without a terminal model. */

const ESC = 0x1b;
const C1_LEAD = 0xc2;

/** Out: how many bytes from the start hold text, line ends, tabs and SGR (colours, attributes) only: nothing that changes a mode, moves up or selects a charset. */
export function plainPrefix(bytes: Buffer): number {
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? ESC;
    // SECURITY: C1 controls come as C2 80…C2 9F; every C2 counts as one.
    if (byte >= 0x20 ? byte !== C1_LEAD : byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
    const end = byte === ESC ? sgrEnd(bytes, index) : -1;
    if (end < 0) return index;
    index = end;
  }
  return bytes.length;
}

/** Out: where the `m` of the SGR sequence at `start` stands, or -1 when it is another sequence or is not finished. */
function sgrEnd(bytes: Buffer, start: number): number {
  if (bytes[start + 1] !== BRACKET) return -1;
  let index = start + 2;
  // Digits, `:` and `;`.
  for (let byte = bytes[index] ?? 0; byte >= 0x30 && byte <= 0x3b; byte = bytes[index] ?? 0) index += 1;
  return bytes[index] === SGR ? index : -1;
}
const BRACKET = 0x5b;
const SGR = 0x6d;

/** In: output of which all is plain (`plainPrefix`). Out: the SGR sequences that set the pen which it leaves, from whatever pen there was. */
export function penAfter(bytes: Buffer): string {
  const reset = Math.max(bytes.lastIndexOf("\x1b[0m"), bytes.lastIndexOf("\x1b[m"), 0);
  return (bytes.toString("latin1", reset).match(/\x1b\[[\d:;]*m/g) ?? []).join("");
}

/**
 * In: the last bytes that were written to a terminal. Out: where the piece begins that is not finished (an escape sequence, a
 * UTF-8 character), or the length when nothing is open. Writing anything else to the terminal is only safe when nothing is open.
 */
export function openTail(bytes: Buffer): number {
  const escape = bytes.lastIndexOf(ESC);
  if (escape >= 0 && !isFinished(bytes.subarray(escape).toString("latin1"))) return escape;
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

function isFinished(sequence: string): boolean {
  const kind = sequence[1];
  if (kind === undefined) return false;
  if (kind === "[") return /^\x1b\[[\x00-\x1f\x20-\x3f]*[\x40-\x7e\x18\x1a]/.test(sequence);
  if ("]P_^X".includes(kind)) return /[\x07\x18\x1a]/.test(sequence);
  if (kind >= " " && kind <= "/") return /^\x1b[ -/]+[0-~]/.test(sequence);
  return true;
}
