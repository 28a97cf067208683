import type { Call } from "../call.ts";
import { field, type Field } from "../value.ts";

const OUTPUTS = /^(?:-o|--out|--outfile|--output|--output-file|--output-dir|--output-directory|--outdir|--out-dir|--outDir|--outFile|--report-path|--report-file|--log-file|--logfile|--junitxml|--junit-xml|--html|--export|--dest|--destination|--target-dir|--cache-dir|--cache-location|--basetemp|--resultlog|--result-log|--cov-report|--coverage-directory|--coverageDirectory|--trace-file|--profile-file|--coverprofile|--save|--dump|--write-to|--out-file|--sarif-file-output|--json-file-output)$/;

/**
 * Words of a tool whose options are not listed one by one: whatever is no option, and whatever is attached to one, may be
 * a file that is read. Names of the workspace cost nothing; credentials are seen. What is named as output is written.
 */
export function reads(fields: readonly Field[], call: Call): void {
  for (const [at, word] of fields.entries()) {
    const before = fields[at - 1]?.texts[0] ?? "";
    const texts: string[] = [];
    let access: "read" | "write" = OUTPUTS.test(before) ? "write" : "read";
    for (const text of word.texts) {
      const attached = /^(--?[\w-]+)=(.+)$/.exec(text);
      if (attached !== null) {
        // `--cov-report=xml:FILE`, `--reporter=junit:FILE`: the file stands last.
        texts.push(attached[2]!.replace(/^\w+:(?!\/\/)/, ""));
        if (OUTPUTS.test(attached[1]!)) access = "write";
      } else if (!text.startsWith("-")) texts.push(text);
    }
    for (const text of texts) {
      const url = /^(?:[a-z][a-z0-9+.-]*):\/\/(?:[^@/]*@)?([^/:?]+)/i.exec(text);
      if (url !== null && !/^file:/i.test(text)) call.host(url[1]);
      else if (text !== "") call.path({ ...field([text.replace(/^file:(?:\/\/)?/i, "").replace(/^@/, "")]), glob: word.glob }, access);
    }
  }
}
