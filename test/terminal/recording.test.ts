import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRecording } from "../../src/terminal/index.ts";
import { openTerminal } from "./outer-terminal.ts";

const FULL_SCREEN = fileURLToPath(new URL("programs/full-screen.sh", import.meta.url));
const VETSH = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "vetsh-recording-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a session with a question is recorded for its person alone, and played to the same screen", async () => {
  const file = join(folder, "session.cast");
  const terminal = await openTerminal(["bash", FULL_SCREEN], { env: { RECORD_TO: file } });
  try {
    await terminal.until("the last mode", () => terminal.text().includes("z"));
    await terminal.ask();
    await terminal.ready();
    terminal.type("y");
    await terminal.answered();
    terminal.resize({ columns: 70, rows: 20 });
    await terminal.until("the new size", () => /^row 19 +z$/m.test(terminal.text()));
    terminal.type("q");
    expect((await terminal.exited).exitCode).toBe(0);
    const ended = (await terminal.snapshot()).cells;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [header, ...events] = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as unknown);
    expect(header).toMatchObject({ version: 2, width: 80, height: 24, env: { TERM: "xterm-256color" } });
    const written = (events as [number, string, string][]).filter(([, kind]) => kind === "o").map(([, , text]) => text).join("");
    expect(Buffer.byteLength(written)).toBe(terminal.received());
    expect(written).toContain("vetsh asks");
    expect(events).toContainEqual([expect.any(Number), "r", "70x20"]);
    const times = (events as [number, string, string][]).map(([at]) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));

    const player = await openTerminal([process.execPath, VETSH, "play", "--speed", "100", file], { bare: true });
    try {
      expect((await player.exited).exitCode).toBe(0);
      player.term.resize(70, 20);
      expect((await player.snapshot()).cells.slice(0, 2)).toEqual(ended.slice(0, 2));
    } finally {
      await player.close();
    }
  } finally {
    await terminal.close();
  }
});

test("characters that come in pieces are whole, and nothing that is there is written over", () => {
  const file = join(folder, "pieces.cast");
  const recording = startRecording(file);
  for (const byte of Buffer.from("漢é😀")) recording.output(Buffer.from([byte]));
  recording.output(Buffer.from([0xe6]));
  expect(recording.close()).toBeUndefined();
  const text = readFileSync(file, "utf8").trimEnd().split("\n").slice(1).map((line) => (JSON.parse(line) as [number, string, string])[2]).join("");
  expect(text).toBe("漢é😀\ufffd");
  expect(() => startRecording(file)).toThrow(/EEXIST/);
  symlinkSync(join(folder, "elsewhere"), join(folder, "link.cast"));
  expect(() => startRecording(join(folder, "link.cast"))).toThrow(/EEXIST/);
});

const HEADER = '{"version":2,"width":80,"height":24}\n';
test.each([
  { what: "nothing", text: "", code: 1, says: "is empty" },
  { what: "what is no JSON", text: `${HEADER}[0,"o","a"]\nrubbish\n`, code: 1, says: "line 3 is not understood" },
  { what: "other events", text: `${HEADER}[0,"i","x"]\n[0.001,"m",""]\n[0.002,"o","shown"]\n`, code: 0, says: "shown" },
])("playing $what: $says", ({ text, code, says }) => {
  const file = join(folder, "played.cast");
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [VETSH, "play", file], { encoding: "utf8" });
  expect(`${stdout}${stderr}`).toContain(says);
  expect(status).toBe(code);
});

test.each([
  { args: ["/nowhere/x.cast"], says: "cannot be read: ENOENT" },
  { args: [tmpdir()], says: "cannot be read" },
  { args: ["--speed", "0", "x"], says: "`--speed` takes a number above 0" },
])("playing $args is refused: $says", ({ args, says }) => {
  const { status, stderr } = spawnSync(process.execPath, [VETSH, "play", ...args], { encoding: "utf8" });
  expect(stderr).toContain(says);
  expect(stderr).toContain("hint: ");
  expect(stderr).not.toContain("internal error");
  expect(status).not.toBe(0);
});
