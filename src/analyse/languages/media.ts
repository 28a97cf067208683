import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, field, only } from "../value.ts";
import { runCode } from "./code.ts";
import { reads } from "./words.ts";

const plain = (call: Call): readonly string[] => call.args.map((arg) => only(arg) ?? HOLE);

/** A place that a tool reads or writes: a file, or an address of some protocol. */
function place(text: string, access: "read" | "write", call: Call): void {
  const url = /^([a-z0-9+]+):\/\/(?:[^@/]*@)?([^/:?]+)/i.exec(text);
  if (url !== null && url[1] !== "file") return call.host(url[2], { sends: access === "write" });
  call.path(field([text.replace(/^file:(?:\/\/)?/, "")]), access);
}

/** Options of ffmpeg(1) without a value. */
const FFMPEG_FLAGS = /^-(?:y|n|an|vn|sn|dn|re|nostdin|hide_banner|stats|nostats|shortest|copyts|start_at_zero|vstats|autorotate|noautorotate|benchmark|report|L|version|buildconf|formats|codecs|decoders|encoders|filters|protocols|pix_fmts|devices|h|help)$/;

/** ffmpeg: `-i` names inputs, a word that is no value of an option is an output; both may be addresses. */
export function ffmpeg(_args: Arguments, call: Call): void {
  const words = plain(call);
  for (const [at, word] of words.entries()) {
    const before = words[at - 1] ?? "";
    if (before === "-i" || (call.name !== "ffmpeg" && !word.startsWith("-"))) for (const part of word.replace(/^(?:concat|concatf|subfile|crypto|cache|async|pipe|data)[:,]/, "").split("|")) place(part.replace(/^.*,:/, ""), "read", call);
    else if (call.name === "ffmpeg" && !word.startsWith("-") && (!before.startsWith("-") || FFMPEG_FLAGS.test(before))) place(word, "write", call);
    if (/^-(?:filter_script|filter_complex_script|passlogfile|attach|dump_attachment|progress|vstats_file|sdp_file)/.test(before)) place(word, /^-(?:filter|attach)/.test(before) ? "read" : "write", call);
    if (/\b(?:movie|amovie|subtitles|ass|lut3d|textfile)=/.test(word)) for (const match of word.matchAll(/(?:movie|subtitles|ass|lut3d|textfile)=(?:filename=)?'?([^':,\]]+)/g)) place(match[1]!, "read", call);
  }
}

/** ImageMagick: the last word is written (mogrify: all are changed); `text:F`, `msl:F` name a coder; `|CMD` runs one. */
export function images(_args: Arguments, call: Call): void {
  const words = plain(call);
  const files = words.map((word, at) => ({ word, at })).filter(({ word }) => word === "-" || !/^[-+]./.test(word));
  const writes = call.name === "mogrify" || (call.name !== "identify" && call.name !== "compare" && call.name !== "display" && words[0] !== "identify");
  for (const { word, at } of files) {
    const coder = /^([a-zA-Z][\w-]*):(?!\/\/)(.*)$/s.exec(word);
    const text = coder?.[2] ?? word;
    if (text.startsWith("|") || coder?.[1]?.toLowerCase() === "msl") call.exec("program", `${call.name} ${word}`);
    if (coder?.[1]?.toLowerCase() === "ephemeral") call.path(field([text]), "delete");
    if (/^(?:\d|[#(),{}]|xc$|gradient$|#)/.test(text) && !/[/.][a-z]{2,4}$/i.test(text)) continue;
    place(text.replace(/^@/, "").replace(/\[[^\]]*\]$/, ""), writes && (call.name === "mogrify" || at === files.at(-1)!.at) ? "write" : "read", call);
    if (call.name === "mogrify") place(text, "read", call);
  }
}

/** Ghostscript: `-sOutputFile=F` (`%pipe%CMD` runs one), PostScript given in the line. */
export function ghostscript(_args: Arguments, call: Call): void {
  for (const word of plain(call)) {
    const output = /^-(?:sOutputFile=|o)(.*)$/s.exec(word)?.[1];
    if (output?.startsWith("%pipe%") === true) call.exec("program", `${call.name} ${word}`);
    else if (output !== undefined && output !== "") place(output, "write", call);
    if (word === "-c" || word === "-dNOSAFER") call.exec("program", `${call.name} ${word}`);
    if (!word.startsWith("-")) place(word, "read", call);
  }
}

/** Tools whose text arguments are a small language that can start programs. */
const CALLS_OUT = /\bsystem\s*[("']|\bpopen\b|`[^`]+`|\bqx\b|\bexec\s*[("']|^\s*!|\\write18|\bshell\s/m;

/** exiftool, gnuplot, mlr, dc, pandoc, TeX: what their texts run, which files the last word or an option writes. */
export function document(_args: Arguments, call: Call): void {
  const words = plain(call);
  reads(call.args, call);
  for (const [at, word] of words.entries()) {
    const before = words[at - 1] ?? "";
    if (CALLS_OUT.test(word) && !/^(?:cowsay|figlet|toilet|lolcat|banner|qrencode)$/.test(call.name)) call.exec("program", `${call.name}: ${word}`);
    if (/^(?:-e|-if|-p|-x|--eval|-E)$/.test(before) && /^(?:exiftool|latexmk|gnuplot)$/.test(call.name)) runCode(call.name === "gnuplot" ? "gnuplot" : "perl", field([word]), call);
    if (/^--?(?:shell-escape|enable-write18|luadebug)$/.test(word)) call.exec("program", `${call.name} ${word}`);
    if (/^(?:-F|--filter|--lua-filter|--pdf-engine|-L|--pdf-engine-opt|--extract-media|--data-dir)(?:=|$)/.test(word) && call.name === "pandoc") call.exec("workspace", `pandoc ${word}`);
    if (/^-(?:filename|directory|FileName|Directory|o|w|TagsFromFile)[<=]/.test(word)) place(word.slice(word.search(/[<=]/) + 1), "write", call);
    if (/^-o[/~.\w]/.test(word) && /[/.~]/.test(word)) place(word.slice(2), "write", call);
    if (/^(?:-output-directory|--output-directory|-outdir|-aux-directory|-auxdir|-jobname|--outdir|--convert-to)$/.test(before) && before !== "--convert-to") place(word, "write", call);
  }
  const last = words.at(-1);
  const operands = words.filter((word) => !word.startsWith("-"));
  if (WRITES_LAST.test(call.name) && operands.length > 1 && last !== undefined && !last.startsWith("-")) place(call.name === "tesseract" ? last : last, "write", call);
}
const WRITES_LAST = /^(?:pdftotext|pdftoppm|pdftocairo|pdfimages|pdfunite|pdfseparate|pdfjam|ps2pdf|pdf2ps|img2pdf|tesseract|sox|wkhtmltopdf|wkhtmltoimage|qpdf|mutool|cwebp|dwebp|avifenc|potrace|rsvg-convert|inkscape|lame|flac|opusenc|oggenc|djvutxt|ebook-convert|pdftk|weasyprint|svg2pdf)$/;

/** Clipboards: reading one shows what a person copied. */
export function clipboard(_args: Arguments, call: Call): void {
  const words = plain(call);
  reads(call.args, call);
  if (/^(?:pbpaste|wl-paste)$/.test(call.name) || words.some((word) => /^-(?:o|out|-output|-clipboard-output)$/.test(word)) || (/^x(?:sel|clip)$/.test(call.name) && call.input.kind === "inherited" && !words.some((word) => /^-(?:i|in|-input|c|-clear|d|-delete)$/.test(word)))) call.add({ kind: "secret", path: undefined, variable: "the clipboard" });
}

/** `fzf --preview CMD`, `--bind key:execute(CMD)` (fzf(1)). */
export function chooser(_args: Arguments, call: Call): void {
  const words = plain(call);
  for (const [at, word] of words.entries()) {
    const text = /^--(?:preview|bind|with-shell|listen)=(.*)$/s.exec(word)?.[1] ?? (/^--(?:preview|bind)$/.test(words[at - 1] ?? "") ? word : undefined);
    if (text === undefined) continue;
    const commands = [...text.matchAll(/(?:execute(?:-silent)?|reload|become|preview|transform\w*)[([{:](.*?)[)\]}]?$/g)].map((match) => match[1]!);
    for (const command of commands.length > 0 ? commands : /^--bind/.test(word) || words[at - 1] === "--bind" ? [] : [text]) call.run.text(field([command.replaceAll(/\{[^}]*\}/g, "x0")]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
    call.exec("workspace", `${call.name} runs a command`);
  }
}
