import { LIMITS, nothingKnown, type Facts } from "../model/index.ts";
import { judge, type Rulebook } from "./pipeline.ts";

/**
 * Code that has never run is slow: the first commands of a broker take several times as long to judge as later ones. So a new broker,
 * once it has nothing to do, judges ordinary lines of its own and throws the answers away.
 * What holds: nothing is looked at, asked, permitted, recorded or run. Only pure functions are called, with facts that are made up.
 *
 * In: what is in force, and whether a request is open (then it waits). Out: how to stop it, and its end. Takes at most LIMITS.rehearsalMs of the
 * processor in pieces of one line, so that a request that comes meanwhile waits for one line at most.
 */
export function startRehearsal(inForce: () => Rulebook, isBusy: () => boolean): { readonly stop: () => void; readonly done: Promise<void> } {
  let left: number = LIMITS.rehearsalMs;
  let next = 0;
  let timer: NodeJS.Timeout | undefined;
  const { promise: done, resolve: end } = Promise.withResolvers<void>();
  const step = (): void => {
    if (left <= 0 || timer === undefined) return end();
    if (isBusy()) {
      timer = setTimeout(step, LIMITS.rehearsalAfterMs).unref();
      return;
    }
    const began = performance.now();
    judgeLine(LINES[next % LINES.length] ?? "", inForce());
    next += 1;
    left -= performance.now() - began;
    setImmediate(step);
  };
  timer = setTimeout(step, LIMITS.rehearsalAfterMs).unref();
  return {
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
      end();
    },
    done,
  };
}

const FACTS: Facts = { cwd: "/home/user/project", workspace: "/home/user/project", home: "/home/user", env: new Map([["HOME", "/home/user"], ["PATH", "/usr/bin:/bin"]]), vetsh: ["/home/user/.local/share/vetsh"], files: nothingKnown };

function judgeLine(line: string, rulebook: Rulebook): void {
  judge({ id: "rehearsal", shell: "bash", argv: ["bash", "-c", line], tty: { stdin: false }, inherited: new Map(), unreadable: undefined }, FACTS, rulebook, { sandboxed: true, unconfined: undefined });
}

/** What is typed every day, in many shapes. */
const LINES: readonly string[] = [
  "true", "ls -la", "git status --short", "git diff --stat HEAD~1 -- src", "git add -A && git commit -m 'a message'", "cat package.json | head -n 20",
  "grep -rn \"name\" src --include='*.ts'", "rg -n 'a|b' src | sort | uniq -c | sort -rn | head", "find . -name '*.ts' -not -path './node_modules/*' | xargs wc -l", "sed -n '1,80p' src/index.ts",
  "cd src && npm test -- --run 2>&1 | tail -n 40", "npm run build", "node -e 'console.log(1)'", "python3 -c 'print(1)'", "python3 - <<'EOF'\nprint(1)\nEOF", "mkdir -p a/b && touch a/b/c.txt",
  "rm -rf build dist", "cp -r a b; mv b c", "cat > notes.txt <<'EOF'\none line\nEOF", "for f in *.ts; do echo \"$f\"; done", "if [ -f Makefile ]; then make -j4; else echo none; fi", "export A=1; echo \"${A:-2}\" $((1 + 2))",
  "curl -s https://example.org/file | head -c 100", "pip install requests", "tar czf out.tgz src && ls -l out.tgz", "sleep 1 & wait", "bash -c 'echo inner | tr a-z A-Z'", "x=$(git rev-parse HEAD) && echo \"$x\"", "ps aux | awk '{print $2}' | head", "chmod +x run.sh && ./run.sh --flag",
];
