import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, only } from "../value.ts";

/** Words of screen(1) and its like that only look. */
const LOOKS = /^(?:ls|list|list-.*|-V|-v|-ls|-list|--version|version)$/;

/** screen, zellij, byobu, dtach, abduco: text given to them runs in a session that outlives the line, and whose sockets may lie anywhere. */
export function multiplexer(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? HOLE);
  const values = /^-(?:S|c|e|h|p|s|t|T|X|r|R|d|D)$/;
  const command = words.find((w, at) => (!w.startsWith("-") && !values.test(words[at - 1] ?? "")) || w === "-V" || (/^-(?:ls|list)$/.test(w) && at === 0));
  // `-X COMMAND` is sent to a session: what follows is no verb of the program.
  if (LOOKS.test(command ?? "") && !words.includes("-X")) return;
  if (words.some((w) => /^(?:-f|-c|source|source-file)$/.test(w)) && /^(?:screen|byobu)$/.test(call.name)) call.exec("program", `${call.name} commands of a file`);
  call.add({ kind: "process", action: "session", target: call.name });
  if (words.some((w) => /^(?:kill-|detach)/.test(w))) return;
  if (words.some((w) => /^(?:-X|stuff|send-keys|send|action|write-chars)$/.test(w))) return call.opaque(`${call.name} types into a shell that is not guarded`, "unknown");
  if (!words.some((w) => /^(?:run|new|new-session|attach|-d|-dm|-dmS|-m|-S|-A|-c|-n)$/.test(w))) return;
  const shell = call.args.filter((_arg, i) => i > 0 && /\s|^[a-z]/.test(words[i]!) && !words[i]!.startsWith("-") && !/^(?:-[a-zA-Z]*[sSntcFxy])$/.test(words[i - 1] ?? ""));
  for (const text of shell) call.run.text(text, call, { dialect: "sh", state: call.state.clone(), what: call.name });
}
