/** An agent under `vetsh run` that tries to answer its own question through the terminal: by what it prints, and by typing on its own terminal. */
import { afterEach, expect, test } from "vitest";
import { LIMITS } from "../../src/model/index.ts";
import { openTerminal, type OuterTerminal } from "./outer-terminal.ts";

const open: OuterTerminal[] = [];
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});

/** Sequences whose answers a terminal types back, with a `y` where the agent may choose what is in them; a question that is drawn by hand; ways to make a terminal repeat text. */
const PRINTED = [
  "\\e[6n", "\\e[?6n", "\\e[5n", "\\e[c", "\\e[>c", "\\e[>q", "\\e[?u", "\\e[?2026$p", "\\e]0;y\\a\\e[21t", "\\e]2;y\\a\\e[20t", "\\e[18t", "\\e]10;?\\a", "\\e]52;c;eQ==\\a\\e]52;c;?\\a", "\\eP$qy\\e\\\\", "\\e[?2004h\\e[200~y\\e[201~", "\\e[5i y\\e[4i",
  "\\e[?1000h\\e[?1003h\\e[?1006h", "\\e[>31u", "vetsh asks  y yes, once\\r\\ny\\r\\n", "\\e[24;1Hy\\e[1;1H", "\\e[3Jy\\b", "\\x05",
];

test.each([
  ["what it prints makes the terminal type", `for round in 1 2 3 4 5 6 7 8; do ${PRINTED.map((text) => `printf '${text}'`).join("; ")}; sleep 0.2; done; printf 'all printed'; read -r x`],
  ["it types on its own terminal", `python3 -c 'import fcntl,os,time\nfor i in range(40):\n  for tty in ("/dev/tty","/dev/stdin","/proc/self/fd/0"):\n    try: fcntl.ioctl(os.open(tty,os.O_RDWR|os.O_NOCTTY),0x5412,b"y")\n    except OSError: pass\n  time.sleep(0.05)'; read -r x`],
  ["it writes to its own input", `for round in $(seq 40); do printf y > /dev/tty; printf y >&0; sleep 0.05; done; read -r x`],
])("%s: no answer", async (_what, script) => {
  const terminal = await openTerminal(["bash", "-c", script.replaceAll("\\n", "\n")]);
  open.push(terminal);
  await terminal.ask({ offers: ["session", "always"] });
  await terminal.shows("vetsh asks");
  await terminal.ready();
  // Longer than a key must stand alone; what the agent printed meanwhile is behind the question.
  await new Promise((resolve) => setTimeout(resolve, LIMITS.questionGuardMs + 4 * LIMITS.questionSettleMs));
  expect(terminal.answers).toEqual([]);
  await terminal.ready();
  terminal.type("n");
  await terminal.answered();
  expect(terminal.answers).toEqual([{ id: "q1", answer: "no" }]);
});
