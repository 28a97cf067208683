/**
 * What agents write down of their own talk, line by line as JSON: the call that carries exactly this command, how it was described,
 * what was said before it, what the person had asked. One row for each agent, because each writes in its own way.
 * SECURITY: these files are the agent's. What stands in them is evidence for the record, never a reason to loosen anything (I5).
 */

/** One line of a transcript says some of these; what is none of them is passed over. */
export type Saying =
  | { readonly kind: "prompt" | "words"; readonly text: string }
  | { readonly kind: "call"; readonly id: string; readonly command: string; readonly description: string | undefined };

export type Transcript = {
  readonly agent: string;
  /** In: who asks. Out: patterns of files below the home directory, `*` for one name, best first. */
  readonly files: (asked: { readonly session: string | undefined; readonly cwd: string }) => readonly string[];
  /** In: one line. Out: what it says, or undefined when it is not of this format at all. */
  readonly read: (line: Json) => readonly Saying[] | undefined;
};

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

const SHELL_TOOLS: ReadonlySet<string> = new Set(["Bash", "bash", "shell", "exec_command", "shell_command", "local_shell", "run_shell_command"]);

export const TRANSCRIPTS: readonly Transcript[] = [
  {
    agent: "claude-code",
    files: ({ session, cwd }) => (session === undefined ? [] : [`.claude/projects/${cwd.replace(/[^A-Za-z0-9]/g, "-")}/${session}.jsonl`, `.claude/projects/*/${session}.jsonl`]),
    read: (line) => {
      const type = member(line, "type");
      if (typeof type !== "string" || !/^[a-z-]{2,40}$/.test(type)) return undefined;
      const content = member(member(line, "message"), "content");
      if (type !== "user" && type !== "assistant") return [];
      // Either shape, or it is not what we know.
      if (typeof content === "string") return [said(type, content)];
      return Array.isArray(content) ? content.flatMap((part: Json) => claudePart(type, part)) : undefined;
    },
  },
  {
    agent: "codex",
    files: ({ session }) => (session === undefined ? [] : [`.codex/sessions/*/*/*/*-${session}.jsonl`]),
    read: (line) => {
      const [type, payload] = [member(line, "type"), member(line, "payload")];
      if (typeof type !== "string" || payload === undefined) return undefined;
      return type === "response_item" ? codexItem(payload) : [];
    },
  },
  {
    agent: "gemini-cli",
    files: () => [".gemini/tmp/*/chats/session-*.jsonl"],
    read: (line) => {
      if (member(line, "$set") !== undefined || member(line, "$rewindTo") !== undefined || member(line, "projectHash") !== undefined) return [];
      const type = member(line, "type");
      if (typeof type !== "string" || member(line, "id") === undefined) return undefined;
      const text = plainText(member(line, "content"));
      const calls = list(member(line, "toolCalls")).flatMap((call): readonly Saying[] => callOf(member(call, "name"), member(call, "id"), member(call, "args")));
      return [...(text === "" ? [] : [said(type === "user" ? "user" : "assistant", text)]), ...calls];
    },
  },
];

function claudePart(type: string, part: Json): readonly Saying[] {
  const text = member(part, "text");
  if (member(part, "type") === "text" && typeof text === "string") return [said(type, text)];
  return member(part, "type") === "tool_use" ? callOf(member(part, "name"), member(part, "id"), member(part, "input")) : [];
}

function codexItem(payload: Json): readonly Saying[] {
  const type = member(payload, "type");
  if (type === "function_call") return callOf(member(payload, "name"), member(payload, "call_id"), parsed(member(payload, "arguments")));
  if (type === "local_shell_call") return callOf("local_shell", member(payload, "call_id"), member(payload, "action"));
  const [role, text] = [member(payload, "role"), plainText(member(payload, "content"))];
  // What the program itself puts before a prompt is nobody's wish.
  if (type !== "message" || text === "" || /^\s*<(?:environment_context|user_instructions|permissions|turn_aborted)/.test(text)) return [];
  return role === "user" || role === "assistant" ? [said(role, text)] : [];
}

/** A command is one string, or the words of a shell's start, whose last is the command. */
function callOf(name: Json | undefined, id: Json | undefined, args: Json | undefined): readonly Saying[] {
  if (typeof name !== "string" || !SHELL_TOOLS.has(name) || typeof id !== "string") return [];
  const given = member(args, "command") ?? member(args, "cmd");
  const command = typeof given === "string" ? given : list(given).at(-1);
  const description = member(args, "description") ?? member(args, "justification");
  return typeof command === "string" ? [{ kind: "call", id, command, description: typeof description === "string" && description.trim() !== "" ? description : undefined }] : [];
}

function said(role: string, text: string): Saying {
  return { kind: role === "user" ? "prompt" : "words", text };
}

/** Text, or the texts of a list of parts. */
function plainText(content: Json | undefined): string {
  if (typeof content === "string") return content;
  return list(content).flatMap((part) => { const text = member(part, "text"); return typeof text === "string" ? [text] : []; }).join("");
}

function parsed(text: Json | undefined): Json | undefined {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function member(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined;
  return (value as { readonly [name: string]: Json })[name];
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}
