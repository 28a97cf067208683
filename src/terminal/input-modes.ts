import type { ScreenState } from "./screen-model.ts";

/** The terminal modes that change what the keyboard and the mouse send, and the ones an agent can leave behind. */

const MOUSE: Readonly<Record<ScreenState["modes"]["mouseTrackingMode"], string>> = { none: "", x10: "9", vt200: "1000", drag: "1002", any: "1003" };

/**
 * While a question takes keys: keys come as plain bytes, no mouse, no focus events, and a paste comes in brackets so that
 * pasted text never answers. Written inside the buffer in which the question stands (kitty's stack is per buffer).
 */
export function questionInput(state: ScreenState): string {
  const mouse = MOUSE[state.modes.mouseTrackingMode];
  return [
    "\x1b[?2004h",
    mouse === "" ? "" : `\x1b[?${mouse}l`,
    state.modes.sendFocusMode ? "\x1b[?1004l" : "",
    state.modifyOtherKeys === 0 ? "" : "\x1b[>4;0m",
    state.win32Input ? "\x1b[?9001l" : "",
    state.kittyKeyboard ? "\x1b[>0u" : "",
  ].join("");
}

/** Undoes `questionInput`. */
export function agentInput(state: ScreenState): string {
  const mouse = MOUSE[state.modes.mouseTrackingMode];
  return [
    state.kittyKeyboard ? "\x1b[<1u" : "",
    state.win32Input ? "\x1b[?9001h" : "",
    state.modifyOtherKeys === 0 ? "" : `\x1b[>4;${state.modifyOtherKeys}m`,
    state.modes.sendFocusMode ? "\x1b[?1004h" : "",
    mouse === "" ? "" : `\x1b[?${mouse}h`,
    state.modes.bracketedPasteMode ? "" : "\x1b[?2004l",
  ].join("");
}

/** In: the state an agent ended in. Out: bytes that give the human an ordinary terminal again; empty for an agent that cleaned up. */
export function leaveTerminal(state: ScreenState): string {
  const { modes } = state;
  const kitty = state.kittyKeyboard ? "\x1b[<99u" : "";
  return [
    kitty,
    modes.synchronizedOutputMode ? "\x1b[?2026l" : "",
    state.charsets[0] === "B" && state.charsets[1] === "B" && !state.shiftedOut ? "" : "\x1b(B\x1b)B\x0f",
    state.alternate ? `\x1b[?1049l${kitty}` : "",
    modes.originMode ? "\x1b[?6l" : "",
    state.region.top === 0 && state.region.bottom === state.rows - 1 ? "" : "\x1b7\x1b[r\x1b8",
    modes.insertMode ? "\x1b[4l" : "",
    modes.wraparoundMode ? "" : "\x1b[?7h",
    modes.mouseTrackingMode === "none" ? "" : "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l",
    modes.sendFocusMode ? "\x1b[?1004l" : "",
    modes.bracketedPasteMode ? "\x1b[?2004l" : "",
    modes.applicationCursorKeysMode ? "\x1b[?1l" : "",
    modes.applicationKeypadMode ? "\x1b>" : "",
    state.modifyOtherKeys === 0 ? "" : "\x1b[>4;0m",
    state.win32Input ? "\x1b[?9001l" : "",
    state.cursorShapeSet ? "\x1b[0 q" : "",
    state.cursorHidden ? "\x1b[?25h" : "",
    "\x1b[0m",
  ].join("");
}

/** For an end that leaves no time to look: what matters most, harmless where it was not set. Only without `alternate` is the screen kept. */
export function leaveAtOnce(alternate: boolean): string {
  return `\x1b[?2026l\x1b(B\x0f${alternate ? "\x1b[?1049l" : ""}\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[<99u\x1b[?7h\x1b[?25h\x1b[0m`;
}
