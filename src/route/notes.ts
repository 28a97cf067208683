import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { AgentFacts } from "../model/index.ts";

/** Something that a person should know before the agent starts; `hint` is what to do about it. Both are plain text. */
export type Note = { readonly say: string; readonly hint: string };

/** In: how the agent is started, what is known of agents. Out: ways in which its commands can go past us all the same. Looks at the processes that run. */
export function notesAbout(command: string, args: readonly string[], known: readonly AgentFacts[]): readonly Note[] {
  const agent = known.find(({ programs }) => programs.includes(basename(command)));
  if (agent === undefined) return [];
  const inside = agent.inside === undefined ? [] : [{ say: `${agent.name}: ${agent.inside}`, hint: "look at `vetsh log` for what came to us, or use an agent that starts a shell for each command" }];
  return [...inside, ...daemonNotes(agent, args)];
}

function daemonNotes({ name, daemon }: AgentFacts, args: readonly string[]): readonly Note[] {
  if (daemon === undefined) return [];
  const running = processesWith(daemon.words);
  const left = running.map((pid): Note => ({ say: `${name}: its daemon (pid ${pid}) runs outside of this view; shells that it starts are not seen`, hint: `end it first: kill ${pid}` }));
  const { without, never } = daemon;
  const mayStart = without !== undefined && !args.includes(without) && !args.some((word) => never.includes(word));
  return [...left, ...(mayStart ? [{ say: `${name}: it may use a daemon that outlives this session`, hint: `start it with \`${without}\`` }] : [])];
}

/** Processes of this user, outside of us, whose command line holds these words. */
function processesWith(words: readonly string[]): readonly number[] {
  const own = process.getuid?.();
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      if (statSync(`/proc/${pid}`).uid !== own || readlinkSync(`/proc/${pid}/exe`) === process.execPath) return false;
      const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return words.every((word) => argv.includes(word));
    } catch {
      // Gone meanwhile.
      return false;
    }
  });
}
