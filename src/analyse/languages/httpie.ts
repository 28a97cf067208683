import { hostOf, type Call } from "../call.ts";
import { wasGiven, type Arguments } from "../specs/arguments.ts";
import { only } from "../value.ts";

/**
 * `http [METHOD] URL [ITEM…]` (httpie.io/docs/cli): `:8000/x` is this machine; items with `=`, `:=` or `@` and standard
 * input are sent, `name==value` is part of the address and `Header:value` of every request.
 */
export function httpie(args: Arguments, call: Call): void {
  const method = only(args.operands[0]) ?? "?";
  const named = /^[A-Z]+$/.test(method);
  const [url, ...items] = args.operands.slice(named ? 1 : 0);
  const text = only(url);
  const own = text !== undefined && /^:(?:\d+)?(?:\/|$)/.test(text);
  const asks = (!named || /^(?:GET|HEAD|OPTIONS)$/.test(method)) && items.every((item) => /^[\w-]+(?:==|:(?!=))/.test(only(item) ?? "=")) && (call.input.kind === "inherited" || wasGiven(args, "--ignore-stdin"));
  for (const item of items) {
    const file = /^[\w.-]+(?:=@|:=@|@)(.+)$/.exec(only(item) ?? "")?.[1];
    if (file !== undefined) call.path({ ...item, texts: [file] }, "read");
  }
  call.host(own ? "localhost" : text === undefined ? undefined : hostOf(text).host, { sends: !asks });
}
