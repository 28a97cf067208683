/** On a terminal: the shell as leader of its session, and under a human's interactive shell. */
import type { Row } from "./row.ts";

const PROMPT = { PS1: "> ", "home/.zshrc": "" } as const;
const bashHome = { "home/.bashrc": "PS1='> '; bind 'set enable-bracketed-paste off' 2>/dev/null\n" };
const zshHome = { "home/.zshrc": "PS1='> '; unsetopt prompt_cr prompt_sp zle\n" };

export const TERMINAL_ROWS: readonly Row[] = [
  { name: "terminal: size and name", shell: "bash", argv: ["-c", "stty size; tty > /dev/null && echo tty; test -t 0 -a -t 1 -a -t 2 && echo all; tput cols"], terminal: [], shows: "31 77" },
  { name: "terminal: the exit status", shell: "bash", argv: ["-c", "exit 42"], terminal: [], ends: 42 },
  { name: "terminal: a death by signal", shell: "bash", argv: ["-c", "kill -TERM $$"], terminal: [], ends: "SIGTERM" },
  { name: "terminal: a line is read and echoed", shell: "bash", argv: ["-c", "read -p 'name? ' x; echo \"<$x>\""], terminal: [["name? ", "me\r"]], shows: "<me>" },
  { name: "terminal: Ctrl-C ends a shell without a trap", shell: "bash", argv: ["-c", "echo ready; sleep 5; echo no"], terminal: [["ready", "\x03"]], ends: "SIGINT" },
  { name: "terminal: Ctrl-C ends dash", shell: "dash", argv: ["-c", "echo ready; sleep 5; echo no"], terminal: [["ready", "\x03"]], ends: "SIGINT" },
  { name: "terminal: Ctrl-C with zsh", shell: "zsh", argv: ["-c", "echo ready; sleep 5; echo no"], terminal: [["ready", "\x03"]] },
  { name: "terminal: Ctrl-C with a trap, once", shell: "bash", argv: ["-c", "trap 'echo caught; n=$((n+1))' INT; echo ready; sleep 1; sleep 0.2; echo $n"], terminal: [["ready", "\x03"]], shows: "caught" },
  { name: "terminal: Ctrl-C only ends the program in front", shell: "bash", argv: ["-c", "trap : INT; echo ready; sleep 5; echo $?; exit 3"], terminal: [["ready", "\x03"]], shows: "130", ends: 3 },
  { name: "terminal: Ctrl-\\", shell: "bash", argv: ["-c", "ulimit -c 0; echo ready; sleep 5"], terminal: [["ready", "\x1c"]] },
  { name: "terminal: Ctrl-D ends the input", shell: "bash", argv: ["-c", "echo ready; cat; echo end"], terminal: [["ready", "line\r"], ["line\r\nline", "\x04"]], shows: "end" },
  { name: "terminal: a script typed on stdin, not interactive", shell: "dash", argv: ["-s"], terminal: [[/[$#>]/, "echo 'a''b'; exit 6\r"]], shows: "ab", ends: 6 },
  { name: "terminal: bash -i", shell: "bash", argv: ["-i"], files: bashHome, terminal: [["> ", "echo one; echo $- $SHLVL\r"], ["> ", "exit 7\r"]], shows: "one", ends: 7 },
  { name: "terminal: bash -i, Ctrl-C at the prompt and in front", shell: "bash", argv: ["-i"], files: bashHome, terminal: [["> ", "abc\x03"], ["> ", "sleep 5 | cat\r"], ["cat\r\n", "\x03"], ["> ", "echo $?; exit 8\r"]], shows: "130", ends: 8 },
  { name: "terminal: bash -i, jobs: Ctrl-Z, bg, fg", shell: "bash", argv: ["-i"], files: bashHome, terminal: [["> ", "sleep 0.7\r"], ["sleep 0.7\r\n", "\x1a"], ["> ", "jobs\r"], ["> ", "fg\r"], ["> ", "echo $?\r"], ["> ", "exit\r"]], shows: "Stopped" },
  { name: "terminal: bash -i, the terminal's group is its own", shell: "bash", argv: ["-i"], files: bashHome, terminal: [["> ", "ps -o tpgid= -o pgid= -p $$ | { read a b; test $a != $b && echo front; }\r"], ["> ", "exit\r"]], shows: "front" },
  { name: "terminal: a login bash", shell: "bash", argv: ["-l"], files: { ...bashHome, "home/.bash_profile": "echo profile; . ~/.bashrc\n" }, terminal: [["> ", "exit 4\r"]], shows: "profile", ends: 4 },
  { name: "terminal: zsh -i", shell: "zsh", argv: ["-i"], files: zshHome, terminal: [["> ", "echo one $options[interactive]\r"], ["> ", "sleep 5\r"], ["sleep 5\r\n", "\x03"], ["> ", "exit 7\r"]], shows: "one on", ends: 7 },
  { name: "terminal: zsh -i, jobs", shell: "zsh", argv: ["-i"], files: zshHome, terminal: [["> ", "sleep 0.7\r"], ["sleep 0.7\r\n", "\x1a"], ["> ", "fg\r"], ["> ", "exit 3\r"]], shows: "suspended", ends: 3 },
  { name: "terminal: dash -i, Ctrl-C at the prompt", shell: "dash", argv: ["-i"], env: { PS1: "> " }, terminal: [["> ", "abc\x03"], ["> ", "echo on; exit 5\r"]], shows: "on", ends: 5 },
  { name: "human's shell: a shell in front, Ctrl-Z, jobs, fg", caller: "", files: {}, env: PROMPT, terminal: [["> ", `"$D/bash" -c 'echo ready; sleep 0.8; echo end; exit 6'\r`], [/ready\r\n/, "\x1a"], ["> ", "jobs\r"], ["> ", "fg\r"], ["end", ""], ["> ", "echo $?\r"], ["> ", "exit\r"]], shows: "Stopped" },
  { name: "human's shell: Ctrl-Z twice", caller: "", env: PROMPT, terminal: [["> ", `"$D/bash" -c 'echo ready; sleep 0.6; echo end; exit 6'\r`], [/ready\r\n/, "\x1a"], ["> ", "fg\r"], [/exit 6'\r\n/, "\x1a"], ["> ", "fg\r"], ["end", ""], ["> ", "echo $?\r"], ["> ", "exit\r"]] },
  { name: "human's shell: Ctrl-Z, then bg, output and end", caller: "", env: PROMPT, terminal: [["> ", `"$D/dash" -c 'echo ready; sleep 0.6; echo end; exit 6'\r`], [/ready\r\n/, "\x1a"], ["> ", "bg; wait; echo waited\r"], ["waited\r\n", ""], ["> ", "exit\r"]], shows: "end" },
  { name: "human's shell: reading in the background stops it", caller: "", env: PROMPT, terminal: [["> ", `"$D/bash" -c 'read x; echo "<$x>"' & until jobs | grep -q Stopped; do sleep 0.1; done; jobs > /dev/null; echo Stopped\r`], ["Stopped", ""], ["> ", "fg\r"], [/>"'\r\n/, "typed\r"], ["<typed>", ""], ["> ", "exit\r"]], shows: "Stopped" },
  { name: "human's shell: Ctrl-C to a pipeline of shells", caller: "", env: PROMPT, terminal: [["> ", `"$D/bash" -c 'echo ready >&2; sleep 5' | "$D/bash" -c 'cat'\r`], ["ready\r\n", "\x03"], ["> ", "echo ${PIPESTATUS[@]}\r"], ["> ", "exit\r"]], shows: "130 130" },
  { name: "human's shell: a program in a stopped shell is ended by kill %1", caller: "", env: PROMPT, terminal: [["> ", `"$D/bash" -c 'echo ready; sleep 5'\r`], ["ready\r\n", "\x1a"], ["> ", "kill %1; fg > /dev/null 2>&1; wait; echo gone\r"], ["gone\r\n", ""], ["> ", "exit\r"]], shows: "gone" },
  { name: "human's shell: an interactive bash inside, its own jobs, suspend and back", caller: "", files: bashHome, env: PROMPT, terminal: [["> ", `"$D/bash" --norc -i\r`], ["> ", "sleep 5\r"], ["sleep 5\r\n", "\x1a"], ["> ", "jobs; suspend\r"], [/Stopped.*suspend|\[\d\]\+ +Stopped[^\n]*\r\n/, ""], ["> ", "jobs\r"], ["> ", "fg\r"], ["> ", "kill -9 %1; sleep 0.2; exit 5\r"], ["> ", "echo $?\r"], ["> ", "exit\r"]] },
  { name: "terminal: the window changes, the shell is told", shell: "bash", argv: ["-c", "trap 'echo winch' WINCH; echo ready; kill -WINCH 0; echo on"], terminal: [], shows: "winch" },
  { name: "terminal: the hangup of the session", shell: "bash", argv: ["-c", "trap 'echo hup > hup; exit 3' HUP; setsid -f sh -c 'sleep 0.2; kill -HUP '$$; echo ready; sleep 1; sleep 1"], terminal: [] },
  { name: "terminal: settings made by the shell stay", shell: "bash", argv: ["-c", "stty -echo; stty -a | grep -o -- '-echo '; stty echo"], terminal: [], shows: "-echo" },
];
