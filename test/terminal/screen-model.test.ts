/** The model skips what scrolled off before anybody could look. The judge is a terminal that reads every byte. */
import xterm from "@xterm/headless";
import { expect, test } from "vitest";
import { createScreenModel } from "../../src/terminal/screen-model.ts";

const SIZE = { columns: 40, rows: 8 };
const lines = (count: number, line: (index: number) => string): string => Array.from({ length: count }, (_, index) => `${line(index)}\r\n`).join("");

test.each([
  { what: "plain text", output: lines(5000, (index) => `line ${index}`) },
  { what: "lines longer than the screen", output: lines(3000, (index) => `${index} ${"x".repeat(90)}`) },
  { what: "colours, each line reset", output: lines(4000, (index) => `\x1b[1;3${index % 8}m${index}\x1b[0m of \x1b[38;5;${index % 256}m more\x1b[m`) },
  { what: "a colour that was never reset", output: `\x1b[3;44m${lines(5000, (index) => `\x1b[3${index % 8}mline ${index}`)}` },
  { what: "a colour before the reset of another, and after", output: `\x1b[31m\x1b[0m\x1b[4;48:2::1:2:3m${lines(5000, (index) => `line ${index}`)}` },
  { what: "a pen set long before", output: `\x1b[7;33m${"x".repeat(90_000)}\r\n${lines(5000, (index) => `line ${index}`)}` },
  { what: "a scrolling region", output: `\x1b[3;6r\x1b[3;1H${lines(5000, (index) => `line ${index}`)}` },
  { what: "graphics characters, after text", output: `${lines(5000, (index) => `line ${index}`)}\x1b(0${lines(2000, (index) => `qqq ${index}`)}` },
  { what: "cursor moves among the lines", output: lines(4000, (index) => (index % 997 === 0 ? `\x1b[2;3Hmoved ${index}` : `line ${index}`)) },
  { what: "C1 controls among the lines", output: lines(4000, (index) => (index === 2000 ? "\u009b5;10Hhere" : `line ${index} é`)) },
  { what: "the alternate screen entered", output: `${lines(3000, (index) => `line ${index}`)}\x1b[?1049h\x1b[41m${lines(3000, (index) => `other ${index}`)}` },
])("what was skipped leaves no trace: $what", async ({ output }) => {
  const bytes = Buffer.from(output);
  const model = await createScreenModel(SIZE, () => undefined);
  const judge = new xterm.Terminal({ cols: SIZE.columns, rows: SIZE.rows, allowProposedApi: true, scrollback: 200, logLevel: "off" });
  try {
    // Pieces of no particular size: sequences are cut anywhere.
    for (let at = 0; at < bytes.length; at += 40_007) {
      model.feed(bytes.subarray(at, at + 40_007));
      if (at % 3 === 0) await model.flush();
    }
    await model.flush();
    // What comes next shows the pen, the charset and the cursor.
    model.feed(Buffer.from("next q\x1b[K\r\n"));
    await model.flush();
    await new Promise<void>((done) => judge.write(`${output}next q\x1b[K\r\n`, done));
    const { cursor, region, alternate } = model.state();
    const active = judge.buffer.active;
    expect({ cells: cells(model.buffer()), column: cursor.column, row: cursor.row, alternate }).toEqual({ cells: cells(active), column: active.cursorX, row: active.cursorY, alternate: active.type === "alternate" });
    expect(region.top).toBe(output.includes("\x1b[3;6r") ? 2 : 0);
  } finally {
    model.dispose();
    judge.dispose();
  }
});

type Bits = { readonly fg: number; readonly bg: number };

/** Every cell of the screen, with its attributes as bits. */
function cells(buffer: (typeof xterm.Terminal.prototype)["buffer"]["active"]): readonly string[] {
  return Array.from({ length: SIZE.rows }, (_, row) => Array.from({ length: SIZE.columns }, (_unused, column) => {
    const cell = buffer.getLine(buffer.baseY + row)?.getCell(column);
    const { fg, bg } = cell as unknown as Bits;
    return `${cell?.getChars() ?? "?"}:${fg}:${bg}`;
  }).join(" "));
}
