export type TerminalSize = { readonly columns: number; readonly rows: number };

/** In: what a stream says of its size (0 or nothing when the terminal has none). Out: a size that can be drawn on. */
export function terminalSize(stream: { readonly columns?: number; readonly rows?: number }): TerminalSize {
  return { columns: stream.columns || 80, rows: stream.rows || 24 };
}
