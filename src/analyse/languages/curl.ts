import type { Call } from "../call.ts";
import { hostOf } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { wasGiven } from "../specs/arguments.ts";
import { field, isKnown, type Field } from "../value.ts";

/** curl(1): which hosts its URLs name, and what `-O` writes. Options and their files are in the spec. */
export function curl(args: Arguments, call: Call): void {
  const urls = [...args.operands, ...args.given.filter((g) => g.option.names.includes("--url")).flatMap((g) => (g.value === undefined ? [] : [g.value]))];
  for (const { option, value } of args.given) if (value !== undefined) fileOf(option.names, value, call);
  const changes = args.given.some((g) => (g.option.names.includes("-X") && !/^(?:GET|HEAD|OPTIONS)$/i.test(g.value?.texts[0] ?? "")) || g.option.names.includes("-Q") || g.option.names.includes("--mail-from"));
  const sends = changes || call.sends || args.given.some((g) => ["-d", "-F", "-T", "--json"].some((name) => g.option.names.includes(name)));
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

/** Values that name a file behind a mark: `-d @F`, `--data-urlencode name@F`, `-F name=@F`, `-H @F`, `-b F`, `-w @F` (curl(1)). */
function fileOf(names: readonly string[], value: Field, call: Call): void {
  const is = (...wanted: readonly string[]): boolean => wanted.some((name) => names.includes(name));
  for (const text of value.texts) {
    let file: string | undefined;
    if (is("-d", "--data-binary", "--json", "-H", "-w", "--proxy-header")) file = /^@(.+)$/s.exec(text)?.[1];
    else if (is("--data-urlencode", "--variable", "--url-query")) file = /^[^=@]*@(.+)$/s.exec(text)?.[1];
    else if (is("-F")) file = /=[@<](?:"([^"]*)"|([^;,]*))/.exec(text)?.slice(1).find((part) => part !== undefined);
    else if (is("-b")) file = text.includes("=") ? undefined : text;
    if (file !== undefined && file !== "-") call.path(field([file], value.glob), "read");
    if (is("-w")) for (const match of text.matchAll(/%output\{(?:>>)?([^}]*)\}/g)) call.path(field([match[1]!]), "write");
  }
}
