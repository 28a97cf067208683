import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { field } from "../value.ts";

/** Operands of dd(1): `if=`, `of=`; the rest are numbers and words. A write to a block device loses a disk. */
export function dd(_args: Arguments, call: Call): void {
  for (const arg of call.args) {
    for (const text of arg.texts) {
      const match = /^([a-z]+)=([^]*)$/.exec(text);
      if (match === null) {
        if (text !== "--help" && text !== "--version") call.opaque(`\`dd\` operand that is not understood`);
      } else if (match[1] === "if") call.path(field([match[2]!], arg.glob), "read");
      else if (match[1] === "of") {
        call.path(field([match[2]!], arg.glob), "write");
        if (/^\/dev\/(?!null|zero|full|stdout|stderr|tty|fd|shm)/.test(match[2]!)) call.add({ kind: "lose", what: "disk", target: match[2] });
      } else if (!/^(?:bs|ibs|obs|cbs|count|skip|iseek|seek|oseek|conv|iflag|oflag|status)$/.test(match[1]!)) call.opaque(`\`dd ${match[1]}=\` is not understood`);
    }
  }
}
