import type { IBuffer, Terminal } from "@xterm/headless";
import { LIMITS } from "../model/index.ts";
import { penAfter, plainPrefix } from "./plain-output.ts";
import type { TerminalSize } from "./size.ts";

/** A cell's attributes, or the pen's. xterm's own cells, with what 6.0 (pinned) has but does not declare. */
export type Attributes = {
  isBold(): number; isDim(): number; isItalic(): number; isBlink(): number;
  isInverse(): number; isInvisible(): number; isStrikethrough(): number; isOverline(): number;
  isFgRGB(): boolean; isFgDefault(): boolean; getFgColorMode(): number; getFgColor(): number;
  isBgRGB(): boolean; isBgDefault(): boolean; getBgColorMode(): number; getBgColor(): number;
  getUnderlineColor(): number; isUnderlineColorDefault(): boolean; isUnderlineColorRGB(): boolean;
  /** Bit field of colour and attributes. */
  readonly fg: number;
  /** `_ext`: bit field of the underline's style and colour, without the underline that xterm itself gives to links. */
  readonly extended: { readonly urlId: number; readonly _ext: number };
};
export type Cell = Attributes & { getChars(): string; getWidth(): number };

/** Everything about the agent's screen besides its cells. Rows and columns from 0. */
export type ScreenState = {
  readonly alternate: boolean;
  readonly rows: number;
  /** `column` equals the number of columns when the next character would wrap. */
  readonly cursor: { readonly column: number; readonly row: number };
  readonly cursorHidden: boolean;
  readonly cursorShapeSet: boolean;
  readonly pen: Attributes;
  /** What DECSC kept in this buffer, relative to the top of the screen; undefined when the agent never saved. */
  readonly saved: { readonly column: number; readonly row: number; readonly pen: Attributes } | undefined;
  readonly region: { readonly top: number; readonly bottom: number };
  readonly modes: Terminal["modes"];
  /** Final character of the last designation of G0 and G1: `B` is ASCII. */
  readonly charsets: readonly [string, string];
  readonly shiftedOut: boolean;
  /** Value of XTMODKEYS 4 (modifyOtherKeys), 0 when off. */
  readonly modifyOtherKeys: number;
  readonly kittyKeyboard: boolean;
  /** win32-input-mode (?9001). */
  readonly win32Input: boolean;
  readonly link: (urlId: number) => { readonly uri: string; readonly id: string | undefined } | undefined;
};

type Buffer_ = { readonly x: number; readonly y: number; readonly ybase: number; readonly savedX: number; readonly savedY: number; readonly savedCurAttrData: Attributes; readonly scrollTop: number; readonly scrollBottom: number };
type Core = {
  readonly _bufferService: { readonly buffer: Buffer_ };
  readonly _inputHandler: { readonly _curAttrData: Attributes; readonly _parser: { readonly currentState: number } };
  readonly _charsetService: { readonly glevel: number };
  readonly coreService: { readonly isCursorHidden: boolean; readonly decPrivateModes: { readonly cursorStyle: string | undefined } };
  readonly _oscLinkService: { getLinkData(id: number): { readonly uri: string; readonly id?: string } | undefined };
};

/** A terminal without a screen that reads what the agent writes, so that we know what is on the human's. */
export type ScreenModel = {
  /** False when more than `LIMITS.modelBacklogBytes` wait to be read: stop until `onDrain`. */
  feed(bytes: Buffer): boolean;
  /** Resolves when everything fed so far was read. */
  flush(): Promise<void>;
  resize(size: TerminalSize): void;
  size(): TerminalSize;
  buffer(): IBuffer;
  state(): ScreenState;
  dispose(): void;
};

/** In: the size of the human's terminal, and what to do when a full backlog was read. */
export async function createScreenModel(size: TerminalSize, onDrain: () => void): Promise<ScreenModel> {
  const { default: xterm } = await import("@xterm/headless");
  const term = new xterm.Terminal({ cols: size.columns, rows: size.rows, allowProposedApi: true, scrollback: SCROLLBACK, logLevel: "off" });
  const core = (term as unknown as { readonly _core: Core })._core;
  const tracked = trackUndeclaredModes(term);
  const feeder = createFeeder(term, () => canSkip(core, term.rows), onDrain);
  return {
    feed: feeder.feed,
    flush: feeder.flush,
    resize: ({ columns, rows }) => term.resize(columns, rows),
    size: () => ({ columns: term.cols, rows: term.rows }),
    buffer: () => term.buffer.active,
    state: () => stateOf(term, core, tracked),
    dispose: () => term.dispose(),
  };
}
/** Lines above the screen: only needed where a resize brings them back. */
const SCROLLBACK = 200;

type Tracked = { saved: boolean; charsets: [string, string]; modifyOtherKeys: number; kitty: boolean; win32: boolean };

/** Follows what the model itself does not tell: parsed sequences are looked at, never taken. */
function trackUndeclaredModes(term: Terminal): Tracked {
  const tracked: Tracked = { saved: false, charsets: ["B", "B"], modifyOtherKeys: 0, kitty: false, win32: false };
  const { parser } = term;
  const look = (action: () => void) => (): boolean => {
    action();
    return false;
  };
  parser.registerEscHandler({ final: "7" }, look(() => (tracked.saved = true)));
  parser.registerCsiHandler({ final: "s" }, look(() => (tracked.saved = true)));
  for (const [slot, intermediates] of ["(", ")"].entries()) {
    for (const final of ["0", "A", "B"]) parser.registerEscHandler({ intermediates, final }, look(() => (tracked.charsets[slot] = final)));
  }
  parser.registerEscHandler({ final: "c" }, look(() => Object.assign(tracked, { saved: false, charsets: ["B", "B"], modifyOtherKeys: 0, kitty: false, win32: false })));
  parser.registerCsiHandler({ prefix: ">", final: "m" }, (params) => {
    if (params[0] === 4) tracked.modifyOtherKeys = Number(params[1] ?? 0);
    return false;
  });
  for (const prefix of [">", "="]) parser.registerCsiHandler({ prefix, final: "u" }, look(() => (tracked.kitty = true)));
  for (const final of ["h", "l"]) {
    parser.registerCsiHandler({ prefix: "?", final }, (params) => {
      if (params.includes(9001)) tracked.win32 = final === "h";
      return false;
    });
  }
  return tracked;
}

function stateOf(term: Terminal, core: Core, tracked: Tracked): ScreenState {
  const { buffer } = core._bufferService;
  return {
    alternate: term.buffer.active.type === "alternate",
    rows: term.rows,
    cursor: { column: buffer.x, row: buffer.y },
    cursorHidden: core.coreService.isCursorHidden,
    cursorShapeSet: core.coreService.decPrivateModes.cursorStyle !== undefined,
    pen: core._inputHandler._curAttrData,
    saved: tracked.saved ? { column: buffer.savedX, row: buffer.savedY - buffer.ybase, pen: buffer.savedCurAttrData } : undefined,
    region: { top: buffer.scrollTop, bottom: buffer.scrollBottom },
    modes: term.modes,
    charsets: [...tracked.charsets],
    shiftedOut: core._charsetService.glevel === 1,
    modifyOtherKeys: tracked.modifyOtherKeys,
    kittyKeyboard: tracked.kitty,
    win32Input: tracked.win32,
    link: (urlId) => {
      const data = urlId === 0 ? undefined : core._oscLinkService.getLinkData(urlId);
      return data === undefined ? undefined : { uri: data.uri, id: data.id };
    },
  };
}

/** Lines that are scrolled off before anybody could look need not be read: when scrolling moves the whole screen and no sequence is open. */
function canSkip(core: Core, rows: number): boolean {
  const { buffer } = core._bufferService;
  return core._inputHandler._parser.currentState === GROUND && buffer.scrollTop === 0 && buffer.scrollBottom === rows - 1;
}
const GROUND = 0;

/**
 * Hands output to the model in pieces, one at a time, so that reading it never holds up the keyboard for long, and only when
 * some has gathered or a moment has passed. The agent's output passes much faster than the model reads: of plain and coloured
 * text, only what can still be on the screen is read. INVARIANT: after `flush` the model is as if it had read every byte.
 */
function createFeeder(term: Terminal, skippable: () => boolean, onDrain: () => void): Pick<ScreenModel, "feed" | "flush"> {
  let queue: Buffer[] = [];
  let queued = 0;
  let busy = false;
  let full = false;
  let later: NodeJS.Timeout | undefined;
  let waiting: (() => void)[] = [];
  const next = (): void => {
    clearTimeout(later);
    later = undefined;
    if (queued === 0) {
      busy = false;
      const done = waiting;
      waiting = [];
      for (const resolve of done) resolve();
    } else {
      busy = true;
      let bytes = queue.length === 1 ? (queue[0] ?? Buffer.alloc(0)) : Buffer.concat(queue);
      if (bytes.length > SKIP_FROM && skippable()) bytes = withoutScrolledOff(bytes, term.rows);
      const piece = bytes.subarray(0, PIECE);
      queue = bytes.length > PIECE ? [bytes.subarray(PIECE)] : [];
      queued = bytes.length - piece.length;
      term.write(piece, next);
    }
    if (full && queued < LIMITS.modelBacklogBytes / 2) {
      full = false;
      onDrain();
    }
  };
  return {
    feed: (bytes) => {
      queue.push(bytes);
      queued += bytes.length;
      if (!busy && queued >= GATHERED) next();
      else if (!busy) later ??= setTimeout(next, LIMITS.modelPauseMs);
      full ||= queued > LIMITS.modelBacklogBytes;
      return !full;
    },
    flush: () => {
      if (!busy && queued > 0) next();
      return busy ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
    },
  };
}
const PIECE = 65_536;
const SKIP_FROM = 16_384;
/** This much is not left to wait: skipping is the cheaper the more there is, and its scan may not hold up the keyboard. */
const GATHERED = 1_048_576;

/** Of a beginning that is plain text, keeps the last lines (twice the screen, so that every row is written anew) and the pen they begin with. */
function withoutScrolledOff(bytes: Buffer, rows: number): Buffer {
  let cut = plainPrefix(bytes);
  for (let lines = 0; lines <= 2 * rows + SCROLLBACK && cut > 0; lines += 1) cut = bytes.lastIndexOf("\r\n", cut - 1, "latin1");
  return cut > 0 ? Buffer.concat([Buffer.from(penAfter(bytes.subarray(0, cut))), bytes.subarray(cut)]) : bytes;
}
