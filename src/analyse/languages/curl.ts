import type { Call } from "../call.ts";
import { hostOf } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { wasGiven } from "../specs/arguments.ts";
import { field, isKnown } from "../value.ts";

/** curl(1): which hosts its URLs name, and what `-O` writes. Options and their files are in the spec. */
export function curl(args: Arguments, call: Call): void {
  const urls = [...args.operands, ...args.given.filter((g) => g.option.names.includes("--url")).flatMap((g) => (g.value === undefined ? [] : [g.value]))];
  const sends = call.sends || args.given.some((g) => ["-d", "-F", "-T", "--json"].some((name) => g.option.names.includes(name)));
  for (const url of urls) {
    for (const text of url.texts) {
      const { scheme, host, port } = hostOf(text);
      if (scheme === "file") call.path(field([text.replace(/^file:\/\//, "")]), "read");
      else call.host(host, { port, sends });
    }
  }
  if (wasGiven(args, "-O") || wasGiven(args, "-J")) {
    for (const url of urls) {
      const name = url.texts[0]!.replace(/[?#].*$/, "").replace(/^.*\//, "");
      call.path(field([name === "" || !isKnown(name) ? "download" : name]), "write");
    }
  }
}
