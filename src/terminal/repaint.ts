import type { IBuffer } from "@xterm/headless";
import type { Attributes, Cell, ScreenState } from "./screen-model.ts";
import type { TerminalSize } from "./size.ts";

/**
 * The way back: from a terminal model to the bytes that make a terminal look and behave like it.
 * `paintCells` draws, `restoreModes` and `restoreCursor` put back what drawing had to change.
 */

/** Drawing state that `paintCells` and the panel rely on: absolute rows, no scrolling region, no wrapping, ASCII. */
export function beginDrawing(state: ScreenState): string {
  const { modes } = state;
  return [
    "\x1b[?2026l\x1b[?25l",
    modes.originMode ? "\x1b[?6l" : "",
    modes.insertMode ? "\x1b[4l" : "",
    isWholeScreen(state) ? "" : "\x1b[r",
    `\x1b[?7l${ASCII}\x1b[0m`,
  ].join("");
}

/** Undoes `beginDrawing`, but for pen and cursor. Moves the cursor. */
export function endDrawing(state: ScreenState): string {
  const { modes, region } = state;
  return [
    charsetsOf(state),
    modes.wraparoundMode ? "\x1b[?7h" : "",
    isWholeScreen(state) ? "" : `\x1b[${region.top + 1};${region.bottom + 1}r`,
    modes.insertMode ? "\x1b[4h" : "",
    modes.originMode ? "\x1b[?6h" : "",
    state.cursorHidden ? "" : "\x1b[?25h",
  ].join("");
}

/** Cells of the model hold the characters that are seen: they are drawn as they are. */
const ASCII = "\x1b(B\x1b)B\x0f";

function charsetsOf({ charsets, shiftedOut }: ScreenState): string {
  return `\x1b(${charsets[0]}\x1b)${charsets[1]}${shiftedOut ? "\x0e" : "\x0f"}`;
}

function isWholeScreen({ region, rows }: ScreenState): boolean {
  return region.top === 0 && region.bottom === rows - 1;
}

/** In: the model's buffer. Out: bytes that write every cell of the screen, attributes and links included. The pen is reset after it. */
export function paintCells(buffer: IBuffer, size: TerminalSize, state: ScreenState): string {
  let out = "";
  for (let row = 0; row < size.rows; row += 1) out += `\x1b[${row + 1};1H${paintRow(buffer, row, size.columns, state)}`;
  return out;
}

function paintRow(buffer: IBuffer, row: number, columns: number, state: ScreenState): string {
  const line = buffer.getLine(buffer.baseY + row);
  let out = "\x1b[0m\x1b[2K";
  if (line === undefined) return out;
  let pen = RESET;
  let link = 0;
  let empty = 0;
  for (let column = 0; column < columns; column += 1) {
    const cell = line.getCell(column) as unknown as Cell | undefined;
    if (cell === undefined || cell.getWidth() === 0) continue;
    const sgr = penOf(cell);
    const chars = cell.getChars();
    // A cell that was never written differs from a blank: it is erased, not printed.
    if (chars === "" && sgr === RESET) {
      empty += 1;
      continue;
    }
    if (empty > 0) out += `\x1b[${empty}C`;
    empty = 0;
    if (sgr !== pen) out += sgr;
    pen = sgr;
    if (cell.extended.urlId !== link) out += openLink(state, cell.extended.urlId);
    link = cell.extended.urlId;
    out += chars === "" ? eraseOne(column, columns) : chars;
  }
  return out + (link === 0 ? "" : CLOSE_LINK) + RESET;
}

function eraseOne(column: number, columns: number): string {
  return column === columns - 1 ? "\x1b[X" : "\x1b[X\x1b[C";
}

const CLOSE_LINK = "\x1b]8;;\x1b\\";

function openLink(state: ScreenState, urlId: number): string {
  const link = state.link(urlId);
  if (link === undefined) return CLOSE_LINK;
  return `\x1b]8;${link.id === undefined ? "" : `id=${link.id}`};${link.uri}\x1b\\`;
}

/**
 * Cursor, pen and a wrap that is still to come (the cursor stands behind the last column: only printing there brings it back).
 * In: where the screen's rows count from (the top of the region when origin mode is on is the terminal's own business: rows are
 * given as the agent would).
 */
export function restoreCursor(buffer: IBuffer, size: TerminalSize, state: ScreenState): string {
  const { cursor, modes, region } = state;
  const row = cursor.row - (modes.originMode ? region.top : 0);
  if (cursor.column < size.columns) return `\x1b[${row + 1};${cursor.column + 1}H${penOf(state.pen)}`;
  return wrapPending(buffer, size, state, (column) => `\x1b[${row + 1};${column + 1}H`);
}

function wrapPending(buffer: IBuffer, size: TerminalSize, state: ScreenState, moveTo: (column: number) => string): string {
  const line = buffer.getLine(buffer.baseY + state.cursor.row);
  let column = size.columns - 1;
  let cell = line?.getCell(column) as unknown as Cell | undefined;
  // The second half of a wide character: print the first one.
  if (cell?.getWidth() === 0 && column > 0) cell = line?.getCell(--column) as unknown as Cell | undefined;
  const chars = cell?.getChars() ?? "";
  if (cell === undefined || chars === "") return moveTo(size.columns - 1) + penOf(state.pen);
  return `${ASCII}${moveTo(column)}${penOf(cell)}${chars}${penOf(state.pen)}${charsetsOf(state)}`;
}

/**
 * In the normal buffer the terminal itself keeps cells and cursor (`?1049`), but in the place where the agent may have kept its
 * own cursor (DECSC). Out: bytes that put the agent's there again, by relative moves only: rows of the model and rows of the
 * terminal need not be the same where the agent did not start at the top. A wrap that was still to come is not brought back by every
 * terminal's `?1049`.
 */
export function restoreSavedCursor(buffer: IBuffer, size: TerminalSize, state: ScreenState): string {
  const { saved, cursor } = state;
  const wraps = cursor.column >= size.columns;
  if (saved === undefined && !wraps) return penOf(state.pen);
  const there = saved === undefined ? "" : keepCursor(saved, saved.row - cursor.row, size);
  if (!wraps) return `${there}\x1b[${cursor.column + 1}G${penOf(state.pen)}`;
  return there + wrapPending(buffer, size, state, (column) => `\x1b[${column + 1}G`);
}

/** DECSC in another row, and back to this one. */
function keepCursor(saved: NonNullable<ScreenState["saved"]>, down: number, size: TerminalSize): string {
  return `${vertical(down)}\x1b[${Math.min(saved.column, size.columns - 1) + 1}G${penOf(saved.pen)}\x1b7${vertical(-down)}`;
}

function vertical(down: number): string {
  if (down === 0) return "";
  return down > 0 ? `\x1b[${down}B` : `\x1b[${-down}A`;
}

const RESET = "\x1b[0m";

/** In: attributes. Out: the SGR sequence that sets exactly them, from a reset. */
export function penOf(cell: Attributes): string {
  const codes = ["0"];
  const flag = (on: number, code: string): void => {
    if (on !== 0) codes.push(code);
  };
  flag(cell.isBold(), "1");
  flag(cell.isDim(), "2");
  flag(cell.isItalic(), "3");
  const style = (cell.extended._ext >> UNDERLINE_STYLE) & 7;
  flag(cell.fg & UNDERLINE, style > 1 ? `4:${style}` : "4");
  flag(cell.isBlink(), "5");
  flag(cell.isInverse(), "7");
  flag(cell.isInvisible(), "8");
  flag(cell.isStrikethrough(), "9");
  flag(cell.isOverline(), "53");
  if (!cell.isFgDefault()) codes.push(colour(cell.isFgRGB(), cell.getFgColorMode(), cell.getFgColor(), 30));
  if (!cell.isBgDefault()) codes.push(colour(cell.isBgRGB(), cell.getBgColorMode(), cell.getBgColor(), 40));
  // Colons keep terminals that do not know underline colours from reading its numbers as attributes.
  if ((cell.fg & UNDERLINE) !== 0 && !cell.isUnderlineColorDefault()) {
    const value = cell.getUnderlineColor();
    codes.push(cell.isUnderlineColorRGB() ? `58:2::${value >> 16}:${(value >> 8) & 255}:${value & 255}` : `58:5:${value}`);
  }
  return `\x1b[${codes.join(";")}m`;
}

/** Where xterm keeps "underlined" in `fg`, and the style in `_ext`. Its own `isUnderline` is also true for every link. */
const UNDERLINE = 0x10000000;
const UNDERLINE_STYLE = 26;
/** xterm's colour mode of the sixteen named colours: `31`, not `38;5;1`. */
const NAMED = 0x1000000;

function colour(rgb: boolean, mode: number, value: number, base: 30 | 40): string {
  if (rgb) return `${base + 8};2;${value >> 16};${(value >> 8) & 255};${value & 255}`;
  if (mode === NAMED) return String(value < 8 ? base + value : base + 60 + value - 8);
  return `${base + 8};5;${value}`;
}
