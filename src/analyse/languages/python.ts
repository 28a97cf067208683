import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { valueOf, wasGiven } from "../specs/arguments.ts";
import { field, only } from "../value.ts";

/** `python -m MODULE ARGS` is the program of that name when we know it, else a module of the workspace or an installed one. */
export function pythonModule(args: Arguments, call: Call): void {
  if (!wasGiven(args, "-m")) return;
  const module = valueOf(args, "-m");
  if (module === undefined) return call.opaque("which Python module is run is not known", "unknown");
  const program = MODULES.get(module) ?? module;
  if (PRINTING.has(module)) return;
  if (module === "http.server") return call.host(undefined, { direction: "in" });
  if (module === "venv" || module === "virtualenv") {
    const target = args.operands.find((o) => !/^-/.test(o.texts[0]!));
    return call.path(target ?? field(["."]), "write");
  }
  if (call.context.specs.programs.has(program)) call.run.argv([field([program]), ...args.operands], call);
  else call.exec("workspace", `python -m ${module}`);
}

const MODULES = new Map([["pip3", "pip"], ["ensurepip", "pip"], ["pytest", "pytest"], ["unittest", "unittest"]]);
const PRINTING = new Set(["json.tool", "py_compile", "compileall", "this", "site", "sysconfig", "platform", "calendar", "tokenize", "ast", "dis", "timeit", "zipfile", "tarfile", "base64", "gzip", "inspect", "trace", "tabnanny", "pydoc"]);

/** Tools that load code and plug-ins of the workspace; some of their words change more than the workspace. */
export function pythonTool(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? "");
  if (call.name === "twine" && words[0] === "upload") call.add({ kind: "remote", what: "publish", target: undefined });
  if (call.name === "pre-commit" && words[0] === "install") call.add({ kind: "persist", via: "git hook", path: undefined });
  if (["twine", "dvc", "safety", "pip-audit", "scrapy", "mlflow"].includes(call.name)) call.host(undefined, { sends: call.name === "twine" || words[0] === "push" });
  if (["gunicorn", "uvicorn", "hypercorn", "streamlit", "flask", "locust"].includes(call.name) || words[0] === "runserver") call.host(undefined, { direction: "in" });
}
