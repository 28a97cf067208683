/** Signals sent to what the caller started, to it alone and to its group, by another process. */
import type { Row, ShellName } from "./row.ts";

/** Waits without a child, so that nothing but the shell is signalled, and says when it is ready. */
const IDLE: Readonly<Record<"bash" | "zsh" | "dash", string>> = {
  bash: "echo ready; while :; do read -t 0.1 <> <(:); done",
  zsh: "mkfifo idle; exec 8<>idle; echo ready; while :; do read -t 0.1 -u 8; done",
  dash: "mkfifo idle; echo ready; read x < idle; echo on; read x < idle",
};

const rows: Row[] = [];
for (const shell of ["bash", "dash", "zsh"] as const satisfies readonly ShellName[]) {
  for (const to of ["process", "group"] as const) {
    for (const name of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGQUIT", "SIGALRM", "SIGKILL"] as const) {
      if (name === "SIGQUIT" && shell !== "dash") continue; // bash and zsh ignore it: the row would never end
      rows.push({ name: `${shell}: ${name} to the ${to}, no trap`, shell, argv: ["-c", IDLE[shell]], signal: { after: "ready", name, to } });
    }
    for (const name of ["TERM", "INT", "HUP", "USR1"] as const) {
      rows.push({ name: `${shell}: ${name} to the ${to}, a trap that ends`, shell, argv: ["-c", `trap 'echo got ${name}; exit 9' ${name}; ${IDLE[shell]}`], signal: { after: "ready", name: `SIG${name}`, to }, shows: `got ${name}`, ends: 9 });
    }
    rows.push(
      { name: `${shell}: TERM to the ${to} while a program runs in front`, shell, argv: ["-c", "trap 'echo got; exit 9' TERM; echo ready; sleep 0.5; echo after"], signal: { after: "ready", name: "SIGTERM", to }, shows: "got", ends: 9 },
      { name: `${shell}: TERM to the ${to} while waiting for a job`, shell, argv: ["-c", "exec 2>/dev/null; trap 'echo got' TERM; sleep 0.6 & echo ready; wait $!; echo $?; trap - TERM; wait; echo end"], signal: { after: "ready", name: "SIGTERM", to }, shows: "got" },
      { name: `${shell}: INT to the ${to} with a program in front that dies of it`, shell, argv: ["-c", "echo ready; sleep 2; echo after $?"], signal: { after: "ready", name: "SIGINT", to } },
      { name: `${shell}: a trap counts how often USR1 to the ${to} came`, shell, argv: ["-c", `n=0; trap 'n=$((n+1))' USR1; echo ready; sleep 0.4; sleep 0.2; sleep 0.2; echo $n`], signal: { after: "ready", name: "SIGUSR1", to } },
    );
  }
}

/** From inside, and between the processes of a line. */
const CALLED: readonly Row[] = [
  { name: "bash: kill 0 from inside reaches each once", caller: `setsid --wait "$D/bash" -c 'trap "echo got" USR1; kill -USR1 0; echo on'; echo $?`, shows: "got\non" },
  { name: "bash: killing its process group from inside", caller: `setsid --wait "$D/bash" -c 'kill -TERM 0; echo no'; echo $?`, shows: "143" },
  { name: "bash: kill of a shell started in the background", caller: `"$D/bash" -c 'trap "echo bye; exit 7" TERM; echo ready > r; while :; do sleep 0.05; done' & while ! test -s r; do sleep 0.02; done; kill $!; wait $!; echo $?`, shows: "bye\n7" },
  { name: "bash: INT is ignored in the background", caller: `"$D/bash" -c 'echo ready > r; sleep 0.4; echo alive' & while ! test -s r; do sleep 0.02; done; kill -INT $!; wait $!; echo $?`, shows: "alive\n0" },
  { name: "bash: a queue of different signals", caller: `"$D/bash" -c 'trap "echo usr1" USR1; trap "echo usr2" USR2; trap "echo bye; exit 4" TERM; echo > r; while :; do sleep 0.05; done' & while ! test -e r; do sleep 0.02; done; kill -USR1 $!; sleep 0.2; kill -USR2 $!; sleep 0.2; kill $!; wait $!; echo $?`, shows: "usr1\nusr2\nbye\n4" },
  { name: "bash: the parent is told of the death of the shell by each signal", caller: `for s in HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM XCPU XFSZ VTALRM PROF SYS; do ( ulimit -c 0; "$D/bash" -c "trap - $s; kill -$s \\$\\$" ) 2>/dev/null; echo $s $?; done`, shows: "SEGV 139" },
  { name: "bash: the caller's PPID is not the shell's parent", caller: `"$D/bash" -c 'test $PPID = '$$' && echo mine || echo "not mine"'`, differs: "the shim stands between the caller and the real shell: $PPID is the shim" },
  { name: "bash: $! of a shell in the background is not its $$", caller: `"$D/bash" -c 'echo $$ > p' & wait $!; test $(cat p) = $! && echo same || echo other`, differs: "the caller's child is the shim, $$ is the real shell's pid" },
];

export const SIGNAL_ROWS: readonly Row[] = [...rows, ...CALLED];
