import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { isWithin } from "../../model/index.ts";
import { HOLE, field, only } from "../value.ts";

/** What a tool of the workspace leaves there. Outside of it nothing is claimed: what it would write there fails in the sandbox. */
export function works(_args: Arguments, call: Call): void {
  if (call.directories?.every((d) => isWithin(d, call.context.facts.workspace)) === true) call.path(field(["."]), "write");
}

/** gcc(1), clang(1): `@FILE` holds more options; `-Xclang -load`, `-fuse-ld=/path`, `-Wl,…` reach plug-ins and the linker. */
export function compiler(args: Arguments, call: Call): void {
  works(args, call);
  const words = call.args.map((arg) => only(arg) ?? HOLE);
  for (const [at, word] of words.entries()) {
    if (word.startsWith("@")) call.path(field([word.slice(1)]), "read");
    if (word === "-Xclang" && /^-?-?(?:load|add-plugin|plugin)/.test(words[at + 1] ?? "")) call.exec("program", `${call.name} plug-in`);
    if (/^-fuse-ld=.*\//.test(word)) call.exec("program", `${call.name} ${word}`);
    const linker = /^-Wl,(.*)$/.exec(word)?.[1]?.split(",") ?? [];
    if (linker.some((part) => /^-{1,2}plugin/.test(part))) call.exec("program", `${call.name} ${word}`);
    for (const [index, part] of linker.entries()) {
      const map = /^-{1,2}(?:Map|o|output)(?:=(.*))?$/.exec(part);
      if (map !== null) call.path(field([map[1] ?? linker[index + 1] ?? "map"]), "write");
    }
  }
}

/** `cmake -E TOOL` does what small programs do; a compiler or launcher named on the line is run (cmake(1)). */
export function cmake(args: Arguments, call: Call): void {
  works(args, call);
  const words = call.args.map((arg) => only(arg) ?? HOLE);
  for (const word of words) if (/^-D?(?:CMAKE_\w*(?:COMPILER|LAUNCHER|LINKER|MAKE_PROGRAM|AR|TOOLCHAIN_FILE)\w*)(?::\w+)?=.*\//.test(word) && !/=\/usr\/(?:local\/)?bin\//.test(word)) call.exec("program", `cmake ${word}`);
  const at = words.indexOf("-E");
  if (at < 0) return;
  const tool = words[at + 1] ?? "";
  const rest = call.args.slice(at + 2);
  const files = rest.filter((arg) => !/^-/.test(only(arg) ?? ""));
  if (/^(?:rm|remove|remove_directory)$/.test(tool)) for (const file of files) call.path(file, "delete-tree");
  else if (/^(?:copy|copy_if_different|copy_directory|copy_directory_if_different|rename|create_symlink|create_hardlink)$/.test(tool)) files.forEach((file, index) => call.path(file, index === files.length - 1 || tool === "rename" ? "write" : "read"));
  else if (/^(?:touch|touch_nocreate|make_directory)$/.test(tool)) for (const file of files) call.path(file, "write");
  else if (/^(?:env|time|chdir)$/.test(tool)) {
    const start = rest.findIndex((arg, index) => !/^(?:-|\w+=)/.test(only(arg) ?? "") && (tool !== "chdir" || index > 0));
    if (start >= 0) call.run.argv(rest.slice(start), call);
  } else if (/^(?:cat|md5sum|sha\d+sum|compare_files|echo|echo_append|sleep|true|false|capabilities|environment)$/.test(tool)) for (const file of tool.startsWith("echo") ? [] : files) call.path(file, "read");
  if (tool === "environment") call.add({ kind: "secret", path: undefined, variable: "*" });
  if (tool === "tar" && files[1] !== undefined) call.path(files[1], /x|t/.test(only(files[0]) ?? "x") ? "read" : "write");
}
