import type { Redirection, Span } from "../model/index.ts";
import type { Input } from "./context.ts";
import { expandText, expandWord, type Expansion } from "./expand.ts";
import { isLoopback } from "./call.ts";
import { pathTargets } from "./paths.ts";
import { MESSAGES, endOf, freeNumber, withoutInput, type End, type Ends } from "./descriptors.ts";
import { HOLE, SEGMENT, field, joinFields, known, type Field } from "./value.ts";

/** What a command's redirections have made so far of its standard input, and of where its numbers lead. */
export type Redirected = { readonly input: Input; readonly ends: Ends };

/** One redirection: its effects, and what it makes of standard input and of the numbers (bash(1), REDIRECTION). */
export function redirect(redirection: Redirection, so: Redirected, expansion: Expansion): Redirected {
  switch (redirection.kind) {
    case "here-document":
    case "here-string": {
      const word = redirection.kind === "here-string" ? redirection.word : redirection.body;
      const value = expandText(word, expansion);
      const newline = redirection.kind === "here-string" ? "\n" : "";
      const input: Input = value.texts.length === 1 && value.texts[0] === HOLE ? { kind: "unknown", origin: value.origin, span: redirection.span } : { kind: "text", texts: value.texts.map((t) => t + newline), span: redirection.span };
      return reading(input, numberOf(redirection, 0, so, expansion), so);
    }
    case "duplicate":
      return duplicate(redirection, so, expansion);
    case "file":
      return file(redirection, so, expansion);
  }
}

/** The number that a redirection is about; for `{name}` one that is free, and name then holds it. */
function numberOf({ fd, span }: Redirection, usual: number, so: Redirected, { store, state }: Expansion): number {
  if (fd === undefined || typeof fd === "number") return fd ?? usual;
  const number = freeNumber(so.ends);
  // Where the shell was started with such a number it takes a higher one: the same descriptor under another name.
  const before = state.variables.get(fd)?.value;
  const value = field([String(number), SEGMENT]);
  // Where the file cannot be opened the name keeps what it held.
  store(fd, before === undefined ? value : joinFields(value, before), span);
  return number;
}

function reading(input: Input, number: number, so: Redirected): Redirected {
  return number === 0 ? { input, ends: withoutInput(so.ends) } : leading(number, { kind: "input", input }, so);
}

function leading(number: number, end: End, so: Redirected): Redirected {
  return { ...so, ends: new Map(so.ends).set(number, end) };
}

/** `2>&1`, `<&3`, `4<&3-`, `>&-`. */
function duplicate(redirection: Extract<Redirection, { kind: "duplicate" }>, so: Redirected, expansion: Expansion): Redirected {
  const target = expandText(redirection.target, expansion);
  const usual = redirection.operator === ">&" ? 1 : 0;
  const to = sourceNumber(target);
  if (to === undefined) {
    if (redirection.operator === ">&" && (redirection.fd === undefined || redirection.fd === 1)) {
      onPath(target, "write", redirection.span, expansion);
      const written = fileEnd(target, false, expansion);
      return leading(2, written, leading(1, written, so));
    }
    return reading({ kind: "unknown", origin: undefined, span: redirection.span }, numberOf(redirection, usual, so, expansion), so);
  }
  // `{name}>&-` closes the number that name holds: nothing that is read or written afterwards.
  if (to === "-") return typeof redirection.fd === "string" ? so : closed(redirection.fd ?? usual, so);
  const number = numberOf(redirection, usual, so, expansion);
  const from = Number.parseInt(to, 10);
  const next = connected(number, from, redirection, so);
  return to.endsWith("-") && from !== number ? closed(from, next) : next;
}

/** `3`, `3-`, `-`, or undefined when it is a file or not known. What `{name}` stored may also be known by a higher number. */
function sourceNumber(target: Field): string | undefined {
  const texts = target.texts.filter((text) => text !== SEGMENT);
  return texts.length === 1 && /^(?:\d{1,9}-?|-)$/.test(texts[0]!) ? texts[0] : undefined;
}

function connected(number: number, from: number, redirection: Redirection, so: Redirected): Redirected {
  const end = from === 0 && !so.ends.has(0) ? { kind: "input" as const, input: so.input } : endOf(so.ends, from);
  if (number !== 0) return leading(number, end, so);
  return { ends: withoutInput(so.ends), input: end.kind === "input" ? end.input : { kind: "unknown", origin: undefined, span: redirection.span } };
}

function closed(number: number, so: Redirected): Redirected {
  return number === 0 ? so : leading(number, MESSAGES, so);
}

function fileEnd(target: Field, append: boolean, { state, context }: Expansion): End {
  const paths = pathTargets(target.texts[0]!, target.glob, state.directories, context);
  return { kind: "file", path: paths.length === 1 && target.texts.length === 1 ? paths[0]!.path : undefined, append, shared: false };
}

function file(redirection: Extract<Redirection, { kind: "file" }>, so: Redirected, expansion: Expansion): Redirected {
  const words = expandWord(redirection.target, expansion);
  const target = words.length === 1 ? words[0]! : words.length === 0 ? { ...expandText(redirection.target, expansion) } : words.reduce(joinFields);
  const device = descriptorPath(known(target)?.[0]);
  if (redirection.operator === "<") {
    onPath(target, "read", redirection.span, expansion);
    const number = numberOf(redirection, 0, so, expansion);
    if (device !== undefined) return connected(number, device, redirection, so);
    const paths = known(target);
    return reading(target.origin !== undefined || paths === undefined ? { kind: "unknown", origin: target.origin?.kind === "input" ? undefined : target.origin, span: redirection.span } : { kind: "file", paths, span: redirection.span }, number, so);
  }
  if (redirection.operator === "<>") onPath(target, "read", redirection.span, expansion);
  const append = redirection.operator === ">>" || redirection.operator === "&>>";
  written(target, { append: append && (redirection.fd === undefined || redirection.fd === 1) }, redirection.span, expansion);
  const number = numberOf(redirection, redirection.operator === "<>" ? 0 : 1, so, expansion);
  if (redirection.operator === "<>") return reading({ kind: "unknown", origin: undefined, span: redirection.span }, number, so);
  const both = redirection.operator === "&>" || redirection.operator === "&>>";
  const end = device === undefined ? fileEnd(target, append, expansion) : endOf(so.ends, device);
  return both ? leading(2, end, leading(1, end, so)) : leading(number, end, so);
}

/** A file is opened for writing. What `>>` adds to is still there, and the output that is added says what it becomes. */
function written(target: Field, { append }: { readonly append: boolean }, span: Span, expansion: Expansion): void {
  const end = fileEnd(target, append, expansion);
  const path = end.kind === "file" ? end.path : undefined;
  const { written: files } = expansion.context;
  const before = path === undefined ? undefined : files.get(path);
  onPath(target, "write", span, expansion);
  if (!append || path === undefined) return;
  if (before === undefined) files.delete(path);
  else files.set(path, before);
}

/** `/dev/fd/3`, `/dev/stdout`: the number they name. */
export function descriptorPath(text: string | undefined): number | undefined {
  const match = /^\/(?:dev\/fd|proc\/self\/fd)\/(\d{1,9})$|^\/dev\/std(in|out|err)$/.exec(text ?? "");
  if (match === null) return undefined;
  return match[1] === undefined ? ["in", "out", "err"].indexOf(match[2]!) : Number(match[1]);
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
