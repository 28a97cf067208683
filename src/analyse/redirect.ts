import type { Redirection } from "../model/index.ts";
import type { Input } from "./context.ts";
import { expandText, expandWord, type Expansion } from "./expand.ts";
import { isLoopback } from "./call.ts";
import { pathTargets } from "./paths.ts";
import { HOLE, joinFields, known, type Field } from "./value.ts";

type So = {
  readonly input: Input;
  /** Standard output goes to a file: nothing is printed. */
  readonly output: boolean;
  /** The one file it goes to, when it is known. */
  readonly file?: string | undefined;
  readonly append?: boolean | undefined;
};

/** One redirection: its effects, and what it makes of standard input and output (bash(1), REDIRECTION). */
export function redirect(redirection: Redirection, so: So, expansion: Expansion): So {
  switch (redirection.kind) {
    case "here-document":
    case "here-string": {
      const word = redirection.kind === "here-string" ? redirection.word : redirection.body;
      const value = expandText(word, expansion);
      if (redirection.fd !== undefined && redirection.fd !== 0) return so;
      const newline = redirection.kind === "here-string" ? "\n" : "";
      const input: Input = value.texts.length === 1 && value.texts[0] === HOLE ? { kind: "unknown", origin: value.origin, span: redirection.span } : { kind: "text", texts: value.texts.map((t) => t + newline), span: redirection.span };
      return { ...so, input };
    }
    case "duplicate":
      return duplicate(redirection, so, expansion);
    case "file":
      return file(redirection, so, expansion);
  }
}

function duplicate(redirection: Extract<Redirection, { kind: "duplicate" }>, so: So, expansion: Expansion): So {
  const target = expandText(redirection.target, expansion);
  const texts = known(target);
  if (texts?.every((text) => /^(?:\d+-?|-)$/.test(text))) {
    // `>&2` and `>&-` take standard output away; `2>&1` does not.
    const takesOutput = redirection.operator === ">&" && (redirection.fd === undefined || redirection.fd === 1) && texts.every((t) => t !== "1");
    return takesOutput ? { ...so, output: true } : so;
  }
  if (redirection.operator === ">&" && (redirection.fd === undefined || redirection.fd === 1)) {
    onPath(target, "write", redirection.span, expansion);
    return { ...so, output: true };
  }
  // `<&$fd`, `2>&$fd`: some descriptor the shell has open already.
  return redirection.operator === "<&" && (redirection.fd === undefined || redirection.fd === 0) ? { ...so, input: { kind: "unknown", origin: undefined, span: redirection.span } } : so;
}

function file(redirection: Extract<Redirection, { kind: "file" }>, so: So, expansion: Expansion): So {
  const words = expandWord(redirection.target, expansion);
  const target = words.length === 1 ? words[0]! : words.length === 0 ? { ...expandText(redirection.target, expansion) } : words.reduce(joinFields);
  if (redirection.operator === "<") {
    onPath(target, "read", redirection.span, expansion);
    if (redirection.fd !== undefined && redirection.fd !== 0) return so;
    const paths = known(target);
    return { ...so, input: target.origin !== undefined || paths === undefined ? { kind: "unknown", origin: target.origin?.kind === "input" ? undefined : target.origin, span: redirection.span } : { kind: "file", paths, span: redirection.span } };
  }
  if (redirection.operator === "<>") onPath(target, "read", redirection.span, expansion);
  onPath(target, "write", redirection.span, expansion);
  const stdout = redirection.fd === undefined || redirection.fd === 1 || redirection.operator === "&>" || redirection.operator === "&>>";
  const append = redirection.operator === ">>" || redirection.operator === "&>>";
  const paths = stdout ? pathTargets(target.texts[0]!, target.glob, expansion.state.directories, expansion.context) : [];
  const file = paths.length === 1 && target.texts.length === 1 ? paths[0]!.path : undefined;
  const shown = known(target)?.every((t) => t === "/dev/stdout" || t === "/dev/fd/1") ?? false;
  return stdout && !shown && redirection.operator !== "<>" ? { ...so, output: true, file, append } : so;
}

function onPath(target: Field, access: "read" | "write", span: { start: number; end: number }, { state, context }: Expansion): void {
  for (const text of target.texts) {
    const socket = /^\/dev\/(?:tcp|udp)\/([^/]*)\/(.*)$/.exec(text);
    if (socket !== null) {
      const host = /[\0\x01]/.test(socket[1]!) ? undefined : socket[1]!;
      context.add({ kind: "network", host, port: Number(socket[2]) || undefined, direction: "out", loopback: host !== undefined && isLoopback(host), sends: true }, span, "redirection/socket");
      continue;
    }
    for (const path of pathTargets(text, target.glob, state.directories, context)) {
      if (path.zone === "null") continue;
      if (access === "write") context.add({ kind: "write", path }, span, "redirection");
      else {
        context.add({ kind: "read", path }, span, "redirection");
        if (path.flags.includes("secret")) context.add({ kind: "secret", path, variable: undefined }, span, "redirection");
      }
    }
  }
}
