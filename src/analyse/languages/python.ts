import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { valueOf, wasGiven } from "../specs/arguments.ts";
import { field, only, type Field } from "../value.ts";
import { runCode } from "./code.ts";
import { perform } from "./subcommand.ts";
import { walked } from "./trees.ts";
import { reads } from "./words.ts";

/** `python -m MODULE ARGS` is the program of that name when we know it, else a module of the workspace or an installed one. */
export function pythonModule(args: Arguments, call: Call): void {
  if (!wasGiven(args, "-m")) return;
  const module = valueOf(args, "-m");
  if (module === undefined) return call.opaque("which Python module is run is not known", "unknown");
  const program = MODULES.get(module) ?? module;
  const files = args.operands.filter((o) => !/^-/.test(o.texts[0]!));
  if (PRINTING.has(module)) return files.forEach((file) => call.path(file, "read"));
  const own = STANDARD.get(module);
  if (own !== undefined) return own(files, args.operands.map((o) => only(o) ?? ""), call);
  if (call.context.specs.programs.has(program)) return call.run.argv([field([program]), ...args.operands], call);
  reads(args.operands, call);
  call.exec("workspace", `python -m ${module}`);
}

const MODULES = new Map([["pip3", "pip"], ["ensurepip", "pip"], ["pytest", "pytest"], ["unittest", "unittest"]]);
/** Modules of the standard library that print what they are given (docs.python.org/3/library). */
const PRINTING = new Set(["py_compile", "this", "site", "sysconfig", "platform", "calendar", "tokenize", "ast", "dis", "base64", "inspect", "tabnanny", "pydoc", "pickletools", "mimetypes", "uuid", "compileall", "symtable", "keyword", "filecmp", "locale"]);
/** Those that write, run code, or talk to the network. */
const STANDARD: ReadonlyMap<string, (files: readonly Field[], words: readonly string[], call: Call) => void> = new Map([
  ["http.server", (_files, words, call) => {
    // Who asks for a file below it gets it.
    const at = words.findIndex((word) => /^(?:-d|--directory)$/.test(word));
    const given = at >= 0 ? words[at + 1] : words.find((word) => word.startsWith("--directory="))?.slice("--directory=".length);
    walked(field([given ?? "."]), call);
    call.serve();
  }],
  ["SimpleHTTPServer", (_files, _words, call) => (walked(field(["."]), call), call.serve())],
  ["smtpd", (_files, _words, call) => call.serve()],
  // pypa-build(1): what the build needs is fetched into an environment of its own.
  ["build", (files, words, call) => {
    if (!words.some((word) => /^(?:-n|--no-isolation)$/.test(word))) perform("install", call, "python -m build");
    else perform("run", call, "python -m build");
    reads(files, call);
  }],
  ["venv", (files, _words, call) => call.path(files[0] ?? field(["."]), "write")],
  ["virtualenv", (files, _words, call) => call.path(files[0] ?? field(["."]), "write")],
  ["json.tool", (files, _words, call) => {
    if (files[0] !== undefined) call.path(files[0], "read");
    if (files[1] !== undefined) call.output(files[1]);
  }],
  ["gzip", (files, _words, call) => files.forEach((file) => (call.path(file, "read"), call.path(file, "write")))],
  ["zipfile", archive],
  ["tarfile", archive],
  ["timeit", (files, _words, call) => files.forEach((file) => runCode("python", file, call))],
  ["webbrowser", (_files, _words, call) => call.exec("program", "the browser")],
  ...["trace", "pdb", "cProfile", "profile", "doctest", "runpy", "zipapp", "unittest", "code", "asyncio", "idlelib", "turtledemo", "lib2to3"].map((name): [string, (files: readonly Field[], words: readonly string[], call: Call) => void] => [
    name,
    (files, words, call) => {
      reads(files, call);
      call.exec("workspace", `python -m ${name}`);
      const output = words.indexOf("-o");
      if (output >= 0 && words[output + 1] !== undefined) call.path(field([words[output + 1]!]), "write");
    },
  ]),
]);

/** `python -m zipfile -e A DIR`, `-c A FILE…`, `-l A`; tarfile takes the same. */
function archive(files: readonly Field[], words: readonly string[], call: Call): void {
  const [first, ...rest] = files;
  if (first === undefined) return;
  if (words.some((word) => /^(?:-c|--create)$/.test(word))) {
    call.path(first, "write");
    return rest.forEach((file) => call.path(file, "read"));
  }
  call.path(first, "read");
  if (words.some((word) => /^(?:-e|--extract)$/.test(word))) call.path(rest[0] ?? field(["."]), "write");
}

/** Tools that load code and plug-ins of the workspace; some of their words change more than the workspace. */
export function pythonTool(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? "");
  reads(call.args, call);
  if (call.name === "twine" && words[0] === "upload") call.add({ kind: "remote", what: "publish", target: undefined });
  if (call.name === "mkdocs" && words[0] === "gh-deploy") call.add({ kind: "remote", what: "publish", target: undefined });
  if (call.name === "maturin" && /^(?:publish|upload)$/.test(words[0] ?? "")) call.add({ kind: "remote", what: "publish", target: undefined });
  if (call.name === "pre-commit" && /^(?:install|init-templatedir)$/.test(words[0] ?? "")) call.add({ kind: "persist", via: "git hook", path: undefined });
  if (call.name === "pre-commit" && /^(?:autoupdate|install-hooks|try-repo)$/.test(words[0] ?? "")) call.host(undefined);
  if ([...(words[0] === "check" ? [] : ["twine"]), "dvc", "safety", "pip-audit", "scrapy", "mlflow"].includes(call.name)) call.host(undefined, { sends: call.name === "twine" || words[0] === "push" });
  if (["gunicorn", "uvicorn", "hypercorn", "streamlit", "locust"].includes(call.name) || words[0] === "runserver" || (call.name === "flask" && words.includes("run")) || (call.name === "mkdocs" && words[0] === "serve")) call.serve();
  if (call.name === "alembic" && words.includes("downgrade")) call.add({ kind: "lose", what: "database", target: "alembic downgrade" });
  if (call.name === "django-admin" && /^(?:flush|sqlflush)$/.test(words[0] ?? "")) call.add({ kind: "lose", what: "database", target: "flush" });
}
