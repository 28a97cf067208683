import type { Call } from "../call.ts";
import type { Arguments } from "../specs/arguments.ts";
import { HOLE, UNKNOWN, field, only, type Field } from "../value.ts";
import { guarded, perform, plainWords } from "./subcommand.ts";
import { reads } from "./words.ts";
import { writtenMakefile } from "./written-project.ts";

/** Tools of the JavaScript world that load configuration and plug-ins of the workspace; what some words add. */
export function nodeTool(_args: Arguments, call: Call): void {
  if (call.args.length > 0 && call.args.every((arg) => /^(?:--version|--help|-h|-v|-V)$/.test(only(arg) ?? ""))) return;
  const first = only(plainWords(call.args, new Set())[0]) ?? "";
  if (call.name === "rimraf") {
    for (const word of plainWords(call.args, new Set())) call.path(word, "delete-tree");
    return;
  }
  perform("run", call, call.name);
  reads(call.args, call);
  if (call.name === "lerna" && first === "exec") return nested(call, "exec");
  if (CLOUD.has(call.name)) {
    if (/^(?:deploy|publish|login|env|secret|kv|d1|rollback|promote|remove|rm|delete|logs|tail|pages|link|pull|status|whoami|list|ls|sites|projects|inspect|api|firestore:|database:|functions:|hosting:|auth:|apps:|remoteconfig:|appdistribution:|login|use$)/.test(first) || (call.name === "vercel" && first === "")) {
      call.host(undefined, { sends: true });
      call.add({ kind: "remote", what: "cloud", target: `${call.name} ${first}` });
    }
  }
  if (/^(?:semantic-release|np|release-it)$/.test(call.name) || (call.name === "changeset" && first === "publish") || (call.name === "lerna" && first === "publish")) perform("publish", call, call.name);
  if (/^(?:husky)$/.test(call.name)) call.add({ kind: "persist", via: "git hooks", path: undefined });
  if (/^(?:prisma|knex|sequelize|typeorm|drizzle-kit)$/.test(call.name) && call.args.some((arg) => /(?:reset|drop|:undo|rollback|--accept-data-loss|--force-reset)/.test(only(arg) ?? ""))) call.add({ kind: "lose", what: "database", target: call.name });
  if (/^(?:corepack|degit|ncu|npm-check-updates)$/.test(call.name) && !/^(?:ls|list|current|which|use|version|run|exec|)$/.test(first)) perform("install-global", call, `${call.name} ${first}`);
  if (/^(?:next|nuxt|storybook|astro|gatsby|ng|react-scripts|expo)$/.test(call.name) && /^(?:|dev|start|serve|preview|\.)$/.test(first)) call.serve();
  if (/^(?:serve|http-server|json-server)$/.test(call.name)) call.serve();
}
/** `X … exec [--] CMD…` */
function nested(call: Call, word: string): void {
  const at = call.args.findIndex((arg) => only(arg) === word);
  const from = only(call.args[at + 1]) === "--" ? at + 2 : at + 1;
  if (from < call.args.length) call.run.argv(call.args.slice(from), call);
}

const CLOUD = new Set(["wrangler", "vercel", "netlify", "firebase", "sst", "serverless", "expo"]);

/** make, cmake, compilers: code of the workspace; where they write, and what they are told to run. */
export function build(_args: Arguments, call: Call): void {
  reads(call.args, call);
  if (/^g?make$/.test(call.name)) writtenMakefile(call);
  for (const [index, arg] of call.args.entries()) {
    const text = only(arg) ?? "";
    const next = call.args[index + 1];
    if (text === "-o" && next !== undefined) call.path(next, "write");
    // A variable on make's command line replaces what a makefile runs; `--eval` is makefile text of the line.
    if (/^g?make$/.test(call.name) && /^(?:SHELL|MAKEFLAGS|CC|CXX|LD|AR)=/.test(text) && !/=(?:gcc|clang|cc|g\+\+|clang\+\+|\/bin\/(?:ba)?sh)(?:-\d+)?$/.test(text)) call.exec("program", `make ${text}`);
    if (/^g?make$/.test(call.name) && /^[\w.-]+[:+?]?=[^]*\$[({]shell\s/.test(text)) makeText(text, call);
    if (/^g?make$/.test(call.name) && (/^(?:-f|--file|--makefile|-I|--include-dir)$/.test(only(call.args[index - 1]) ?? "") || /^(?:-f[/~]|--(?:make)?file=)/.test(text)) && !isOfWorkspace(text.replace(/^-f|^--(?:make)?file=/, ""), call)) call.exec("program", `make with a makefile from elsewhere`);
    if (text === "-E" && /^g?make$/.test(call.name)) makeText(only(next) ?? HOLE, call);
    if (/^g?make$/.test(call.name) && /^--eval/.test(text)) makeText(text.includes("=") ? text.slice(text.indexOf("=") + 1) : (only(next) ?? HOLE), call);
    if (/^g?make$/.test(call.name) && (text === "-C" || text === "--directory") && next !== undefined) call.path(next, "write");
    if (text === "-f" && /^g?make$/.test(call.name) && next !== undefined && /^(?:-|\/dev\/(?:stdin|fd\/))/.test(only(next) ?? "-")) call.opaque("make reads its makefile from standard input", "unknown");
  }
  if (/^(?:make|gmake|just|task|ninja)$/.test(call.name) && call.args.some((arg) => /^(?:install|uninstall|deploy|publish|release)$/.test(only(arg) ?? ""))) {
    const below = call.args.find((arg) => /^(?:DESTDIR|PREFIX|prefix)=./.test(arg.texts[0]!));
    call.path(below === undefined ? field(["/usr/local"]) : { ...below, texts: below.texts.map((text) => text.slice(text.indexOf("=") + 1)) }, "write");
  }
}

function isOfWorkspace(text: string, call: Call): boolean {
  const { workspace, home } = call.context.facts;
  if (text.startsWith("~")) return `${home}${text.slice(1)}`.startsWith(`${workspace}/`);
  return !text.startsWith("/") || text.startsWith(`${workspace}/`) || text.startsWith("/tmp/");
}

function makeText(text: string, call: Call): void {
  if (text.includes(HOLE)) return call.opaque("make text that is not known", "unknown");
  for (const match of text.matchAll(/\$[({]shell ([^)}]*)[)}]|(?:^|\n)\t(.+)|^[^\n:]*:\s*;(.+)/g)) call.run.text(field([match[1] ?? match[2] ?? match[3] ?? ""]), call, { dialect: "sh", state: call.state.clone(), what: "make --eval" });
}

/** Options of programs that only look which name a file: read, or written. */
const LOOKS_IN = /^(?:-F|--file|--pidfile|--tab-file|-D|--directory|--root|--image|-l|--local-file|-f|--cursor-file|--from-dump|-c|--cache-file)$/;
const WRITES_TO: ReadonlyMap<string, RegExp> = new Map([
  ["sar", /^-o$/], ["dmidecode", /^--dump-bin$/], ["hwinfo", /^(?:--log|--dump-db)$/], ["info", /^(?:-o|--output)$/], ["nvidia-smi", /^(?:-f|--filename)$/], ["journalctl", /^--cursor-file$/], ["top", /^-o$/], ["lshw", /^-dump$/], ["atop", /^-w$/], ["sadf", /^-o$/], ["powertop", /^--(?:html|csv)$/], ["intel_gpu_top", /^-o$/],
]);

/** Programs that show the state of the machine; the few words with which they change it, read a file or write one. */
export function inspect(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? "");
  const writes = WRITES_TO.get(call.name);
  for (const [at, word] of words.entries()) {
    const attached = /^(--[\w-]+)=(.+)$/.exec(word);
    const next = words[at + 1];
    if (writes !== undefined && writes.test(attached?.[1] ?? word)) call.path(field([attached?.[2] ?? next ?? ""]), "write");
    else if (LOOKS_IN.test(attached?.[1] ?? word) && /[/~.]/.test(attached?.[2] ?? next ?? "")) call.path(field([attached?.[2] ?? next!]), "read");
    else if (/^[/~.]/.test(word)) call.path(call.args[at]!, word.startsWith("/dev/") ? "list" : "read");
  }
  if (/^(?:timedatectl|hostnamectl|localectl|loginctl|resolvectl|networkctl|coredumpctl|bootctl|machinectl)$/.test(call.name) && words.some((w) => /^(?:set-|kill|terminate|enable-linger|disable-linger|lock|unlock|attach|flush|revert|reset|hostname$|icon-name$|chassis$|deployment$|location$|up$|down$|delete|debug|gdb|install|update|remove)/.test(w)) && words.length > 0) call.add({ kind: "privilege", via: call.name });
  if (call.name === "pidstat" && words.includes("-e")) call.run.argv(call.args.slice(words.indexOf("-e") + 1), call);
  if (call.name === "coredumpctl" && words.some((w) => /^(?:dump|debug|gdb)$/.test(w))) call.exec("program", "coredumpctl starts a debugger");
  if (call.name === "journalctl" && words.some((w) => /^--(?:vacuum|rotate|flush|sync|relinquish|setup-keys|update-catalog)/.test(w))) call.add({ kind: "lose", what: "log", target: "the system journal" });
  if (call.name === "dmesg" && words.some((w) => /^(?:-[a-zA-Z]*[cCDEn]|--(?:clear|read-clear|console))/.test(w))) call.add({ kind: "lose", what: "log", target: "the kernel log" });
  if (/^(?:man|info)$/.test(call.name) && words.some((w) => /^(?:-P|--pager|-H|--html|-X|--gxditview|-T|--troff-device|-C|--config-file|-M|--manpath|-B|--browser)/.test(w))) call.exec("program", `${call.name} with a program`);
  if (/^(?:neofetch|fastfetch|screenfetch|conky)$/.test(call.name) && words.some((w) => /^(?:--config|-c|--load-config|--ascii)/.test(w))) call.exec("program", `${call.name} with a configuration that is code`);
  if (/^(?:ps)$/.test(call.name) && words.some((w) => /^[a-zA-Z]*e[a-zA-Z]*$/.test(w) && !w.startsWith("-") && w.length < 6 && !/^(?:pid|user|comm|time|tree)/.test(w))) call.add({ kind: "secret", path: undefined, variable: "environments of processes" });
  if (call.name === "nvidia-smi" && words.some((w) => /^(?:-r|--gpu-reset|-pm|-pl|-e|-c|-lgc|-rgc|--persistence-mode|--power-limit)/.test(w))) call.add({ kind: "privilege", via: "nvidia-smi" });
  if (call.name === "scutil" && words.some((w) => /^--(?:set|nc)$/.test(w))) call.add({ kind: "privilege", via: "scutil" });
  if (call.name === "xrandr" && words.some((w) => /^--(?:output|off|mode|newmode|addmode|rmmode|auto|primary|setmonitor)$/.test(w))) call.add({ kind: "process", action: "session", target: "the display" });
  if (/^(?:tldr|cheat)$/.test(call.name) && words.some((w) => /^(?:-u|--update)$/.test(w))) call.host(undefined);
  if (/^(?:wall|write|mesg)$/.test(call.name)) call.add({ kind: "process", action: "message", target: undefined });
  if (/^(?:chvt|setleds|ipcmk|ipcrm|loadkeys|setfont|setterm|openvt|deallocvt|kbdrate)$/.test(call.name)) call.add({ kind: "privilege", via: call.name });
}

export function kill(_args: Arguments, call: Call): void {
  call.add({ kind: "process", action: "signal", target: call.args.filter((arg) => !/^-/.test(arg.texts[0]!)).map((arg) => only({ ...arg, glob: false }) ?? (arg.origin?.kind === "processes" ? (arg.origin.detail ?? "?") : "?")).join(" ") });
  if ((call.args.some((arg) => only(arg) === "-1") && call.name === "kill") || call.name === "killall5") call.add({ kind: "lose", what: "availability", target: "every process" });
  if (call.args.some((arg) => /^(?:-u|--euid|--user|-U)$/.test(only(arg) ?? "")) && plainWords(call.args, new Set(["-u", "-U", "--user", "--euid"])).length === 0) call.add({ kind: "lose", what: "availability", target: "every process of a user" });
}

/** Verbs of service managers that only look. */
const SERVICE_LOOKS = /^(?:status|list|list-.*|is-.*|show|show-.*|cat|help|print|blame|get-default|--status-all|--version|procinfo|dumpstate)$/;

/** systemctl(1), service(8), launchctl(1): looking is free; the rest is the machine's; enabling leaves something that starts by itself. */
export function service(_args: Arguments, call: Call): void {
  const words = plainWords(call.args, new Set(["-t", "-p", "-H", "-M", "-n"])).map((f) => only(f) ?? HOLE);
  if (call.name === "systemctl") guarded(call, new Set(["-t", "-p", "-H", "-M", "-n", "-P", "-o", "--type", "--state", "--property", "--host", "--machine", "--lines", "--output", "--root", "--what", "--job-mode", "--kill-whom", "--signal", "-s"]), /^-(?:a|l|q|r|-(?:user|system|all|full|quiet|no-pager|no-legend|now|failed|recursive|reverse|plain|value|force|runtime|global|no-block|no-ask-password|dry-run|version|help|wait|with-dependencies|show-types))$/);
  const verb = (call.name === "service" && words[0] !== "--status-all" ? words[1] : words[0]) ?? (call.args.every((arg) => /^(?:--status-all|--failed|--all|-a|--no-pager|--user|--type=\w+|--state=[\w,-]+|--plain|--no-legend)$/.test(only(arg) ?? "")) ? "list" : HOLE);
  if (SERVICE_LOOKS.test(verb)) return;
  call.add({ kind: "process", action: "service", target: words.join(" ") });
  call.add({ kind: "privilege", via: "service manager" });
  if (/^(?:enable|reenable|link|edit|set-default|load|bootstrap|add|preset)$/.test(verb) || call.name === "systemd-run") call.add({ kind: "persist", via: call.name, path: undefined });
  if (/^(?:stop|mask|disable|kill|isolate|poweroff|reboot|halt|rescue|emergency|unload|bootout)$/.test(verb) && words.some((w) => /(?:auditd|rsyslog|systemd-journald|apparmor|firewalld|ufw|falco|crowdstrike|osquery|clamav|sysmon|wazuh|filebeat|syslog)/.test(w))) call.add({ kind: "lose", what: "log", target: words.join(" ") });
  if (call.name === "systemd-run") call.run.argv(plainCommand(call), call);
}

function plainCommand(call: Call): readonly Field[] {
  const start = call.args.findIndex((arg) => !/^-/.test(only(arg) ?? "-"));
  return start < 0 ? [] : call.args.slice(start);
}

/** System administration: privilege, by what it does; some of it loses data or logs, some leaves things behind. */
export function admin(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? "");
  if (/^(?:useradd|adduser|passwd|chpasswd|usermod|visudo|vipw|chsh|gpasswd)$/.test(call.name)) call.add({ kind: "persist", via: "accounts", path: undefined });
  if (/^(?:setenforce|aa-disable|aa-complain|auditctl|csrutil|spctl)$/.test(call.name)) call.add({ kind: "lose", what: "log", target: `${call.name} ${words.join(" ")}` });
  if (/^(?:lvremove|vgremove|zfs|zpool|btrfs|mkswap|mdadm|cryptsetup|pvcreate)$/.test(call.name) && words.some((w) => /^(?:destroy|delete|remove|luksFormat|erase|create|--zero-superblock|labelclear)$/.test(w))) call.add({ kind: "lose", what: "disk", target: words.at(-1) });
  if (call.name === "xattr" || call.name === "setfacl") for (const word of plainWords(call.args, new Set(["-m", "-x", "-d", "-w"]))) call.path(word, "write");
}

/** Keys, certificates, password stores: what they read is secret, unless they only compute. */
export function crypto(_args: Arguments, call: Call): void {
  const words = call.args.map((arg) => only(arg) ?? "");
  const first = words[0] ?? "";
  if (/^(?:pass|secret-tool|op|bw|vault|security|keyctl|sops|ansible-vault|klist|kinit)$/.test(call.name)) return call.add({ kind: "secret", path: undefined, variable: `${call.name} ${first}` });
  if (/^gpg2?$/.test(call.name) && words.some((w) => /^--(?:export-secret|decrypt|sign|clear-?sign|detach-sign|gen-key|full-gen)|^-[a-z]*[dsb]/.test(w))) call.add({ kind: "secret", path: undefined, variable: "gpg keys" });
  if (call.name === "age" && words.some((w) => /^(?:-d|--decrypt)$/.test(w))) call.add({ kind: "secret", path: undefined, variable: "age keys" });
  if (/^(?:gpg2?|age|minisign|signify)$/.test(call.name)) for (const [at, w] of words.entries()) if (/^[~./\w]/.test(w) && !/^-/.test(words[at - 1] ?? "") || /[/~]/.test(w)) call.path(call.args[at]!, "read");
  if (call.name === "openssl" && first === "s_client") call.host(/^([^:]+)/.exec(words[words.indexOf("-connect") + 1] ?? "")?.[1], { sends: true });
  if (call.name === "openssl" && (first === "s_server" || first === "ocsp")) call.host(undefined, { direction: "in" });
  if (words.some((w) => /^-{1,2}(?:engine|provider-path|provider|config|keyform|agent-program|pinentry-program|gpg|homedir|dirmngr-program|photo-viewer|exec-path|J)$/.test(w)) || (call.name === "openssl" && first === "engine" && words.length > 1)) call.exec("program", `${call.name} engine`);
  if (/^gpg2?$/.test(call.name) && words.some((w) => /^--(?:send-keys|recv-keys|receive-keys|refresh-keys|search-keys|locate-keys|fetch-keys|keyserver)/.test(w))) call.host(undefined, { sends: words.includes("--send-keys") });
  if (/^gpg2?$/.test(call.name) && words.some((w) => /^--(?:delete|import|edit-key|lsign|sign-key|quick|trust)/.test(w))) call.path(field([`${call.context.facts.home}/.gnupg`]), "write");
  if (call.name === "openssl" && words.some((w) => /^-(?:sign|passin|kfile)$/.test(w))) for (const [at, w] of words.entries()) if (/^-(?:sign|kfile)$/.test(w) && call.args[at + 1] !== undefined) call.path(call.args[at + 1]!, "read");
  for (const [index, word] of words.entries()) {
    const next = call.args[index + 1];
    if (next === undefined) continue;
    if (index > 0 && !word.startsWith("-") && /^(?:rsa|pkey|ec|x509|req|dgst|enc|base64|asn1parse|cms|smime|pkcs\d+)$/.test(first) && /[/.~]/.test(word) && !(words[index - 1] ?? "").startsWith("-")) call.path(call.args[index]!, "read");
    if (/^(?:-out|-keyout|-o|--output|-CAout|-writerand)$/.test(word)) call.path(next, "write");
    // Of a certificate only what anybody may see is shown, whatever else lies in its file.
    else if (word === "-in" && /^(?:x509|crl|verify)$/.test(first) && next.texts.every((text) => !/private|key|^\/etc\/|^~|\/\.ssh\//i.test(text))) call.path(next, "list");
    else if (/^(?:-in|-inkey|-key|-cert|-CAfile|-signkey|-i|-rand|-pass|-keystore|-srckeystore|-file)$/.test(word)) call.path({ ...next, texts: next.texts.map((t) => t.replace(/^file:/, "")) }, "read");
  }
  if (/^(?:keytool|mkcert|age-keygen|htpasswd|certutil|step|cosign|minisign|signify)$/.test(call.name)) perform("change", call, call.name);
  if (call.name === "certutil" && words.some((w) => /^-[ADMNKFR]$/.test(w))) call.path(call.args[words.indexOf("-d") + 1] ?? field([`${call.context.facts.home}/.netscape`]), "write");
  if (call.name === "mkcert" && first === "-install") call.add({ kind: "privilege", via: "a certificate authority is trusted" });
}

/** GNU parallel: the command template; arguments after `:::` or from standard input (parallel(1)). */
export function parallel(args: Arguments, call: Call): void {
  const end = args.operands.findIndex((f) => /^:{3,4}\+?$/.test(only(f) ?? ""));
  const template = end < 0 ? args.operands : args.operands.slice(0, end);
  const values = end < 0 ? undefined : args.operands.slice(end + 1).filter((f) => !/^:{3,4}\+?$/.test(only(f) ?? ""));
  if (template.length === 0) {
    if (values === undefined) return call.opaque("`parallel` runs the lines of its standard input", "unknown");
    for (const value of values) call.run.text(value, call, { dialect: "sh", state: call.state.clone(), what: "parallel" });
    return;
  }
  const given: Field = values === undefined ? UNKNOWN : field(values.flatMap((v) => v.texts));
  const placed = template.map((word) => (word.texts.some((t) => t.includes("{")) ? field(word.texts.flatMap((t) => given.texts.map((v) => t.replaceAll(/\{[^}]*\}/g, v)))) : word));
  const text = placed.some((word) => word.texts.length > 1 || /\s/.test(word.texts[0]!));
  if (text && placed.length === 1) return call.run.text(placed[0]!, call, { dialect: "sh", state: call.state.clone(), what: "parallel" });
  call.run.argv(template.some((word) => word.texts.some((t) => t.includes("{"))) ? placed : [...placed, given], call);
}

/** `ssh -o KEY=VALUE`: options that run programs here (ssh_config(5)). */
export function sshOptions(args: Arguments, call: Call): void {
  for (const { option, value } of args.given) {
    if (!option.names.includes("-o")) continue;
    const text = only(value) ?? HOLE;
    if (/^(?:proxycommand|localcommand|permitlocalcommand|knownhostscommand|pkcs11provider|securitykeyprovider|include|match|remotecommand|setenv|identityagent)\b/i.test(text) && !/=(?:none|no)$/i.test(text)) call.exec("program", `ssh -o ${text.split(/[= ]/)[0]}`);
    if (text === HOLE) call.opaque("an ssh option that is not known", "unknown");
  }
}

/** Tools with a spec of one line: what their words read, and where `-o`, `--output` and the like make them write. */
export function outputs(_args: Arguments, call: Call): void {
  reads(call.args, call);
  for (const [at, arg] of call.args.entries()) if (/^(?:pg_dump|pg_dumpall|pg_basebackup|mysqldump|mongodump|mongoexport)$/.test(call.name) && /^(?:-f|--file|-r|--result-file|-D|--pgdata)$/.test(only(call.args[at - 1]) ?? "")) call.path(arg, "write");
  for (const arg of call.args) {
    const attached = /^-o(?=[/~.\w])(.+)$/.exec(only(arg) ?? "")?.[1];
    if (attached !== undefined && /[/.~]/.test(attached)) call.path(field([attached]), "write");
  }
}

/** Programs that fetch or upload: where to, what is sent, which of their options run a command. */
export function transfer(_args: Arguments, call: Call): void {
  reads(call.args, call);
  const words = call.args.map((arg) => only(arg) ?? HOLE);
  for (const [at, word] of words.entries()) {
    if (/^--?(?:exec|on-[a-z-]+|exec-before-download|downloader|external-downloader|use-postprocessor|netrc-cmd|postprocessor-args|ffmpeg-location|plugin-dirs|password-command|editor|viewer|cfg|lss|mime-types)(?:=|$)/.test(word)) {
      call.exec("program", `${call.name} ${word}`);
      const text = word.includes("=") ? field([word.slice(word.indexOf("=") + 1)]) : call.args[at + 1];
      if (text !== undefined && /^--exec/.test(word)) call.run.text(text, call, { dialect: "sh", state: call.state.clone(), what: call.name });
    }
  }
  const verb = words.find((word) => !word.startsWith("-")) ?? "";
  if (/^(?:rclone|s3cmd|gsutil|mc|mcli|s5cmd|croc|wormhole|ffsend|transfer)$/.test(call.name) && /^(?:copy|copyto|sync|bisync|move|moveto|put|cp|mv|mirror|rsync|send|upload|rcat|mount|serve|pipe|rc|config|share)$/.test(verb)) call.host(undefined, { sends: true });
  if (/^(?:rclone|s3cmd|gsutil|mc|mcli|s5cmd)$/.test(call.name) && /^(?:delete|deletefile|purge|rmdir|rmdirs|del|rm|rb|cleanup|sync|bisync|move|moveto|expire)$/.test(verb)) call.add({ kind: "lose", what: "resource", target: `${call.name} ${verb}` });
}

/** `open`, `xdg-open`: the desktop's program for a file or an address. */
export function opener(_args: Arguments, call: Call): void {
  reads(call.args, call);
  call.exec("program", "what the desktop opens it with");
}

/** `less +COMMAND`: `!` and `|` run programs (less(1)). */
export function pager(_args: Arguments, call: Call): void {
  for (const arg of call.args) {
    const text = only(arg) ?? "";
    const command = /^\+\+?[^!|]*[!|](.*)$/.exec(text)?.[1];
    if (command === undefined) continue;
    call.exec("program", `${call.name} ${text}`);
    call.run.text(field([command]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
  }
}

/** `flock FILE COMMAND…` and `flock FILE -c TEXT`: the lock file stands before either (flock(1)). */
export function flock(args: Arguments, call: Call): void {
  const [, ...command] = args.operands;
  const text = /^(?:-c|--command)$/.test(only(command[0]) ?? "") ? command[1] : undefined;
  if (text !== undefined) call.run.text(text, call, { dialect: "sh", state: call.state.clone(), what: "flock -c" });
  else if (command.length > 0) call.run.argv(command, call);
}

/** `gdb --args PROGRAM WORD…`, `lldb -- PROGRAM WORD…`, `gdbserver HOST:PORT PROGRAM…`: what is debugged runs with these words. */
export function debugged(_args: Arguments, call: Call): void {
  const at = call.args.findIndex((arg) => /^--?args$|^--$/.test(only(arg) ?? ""));
  const from = at >= 0 ? at + 1 : call.name === "gdbserver" ? call.args.findIndex((arg) => /:\d+$/.test(only(arg) ?? "")) + 1 : 0;
  if (from > 0 && from < call.args.length) call.run.argv(call.args.slice(from), call);
}

/** Tools that bring a database to a schema: going back, cleaning and dropping lose rows. */
export function migration(args: Arguments, call: Call): void {
  outputs(args, call);
  const words = call.args.map((arg) => only(arg) ?? "");
  if (words.some((word) => /^(?:down|drop|clean|reset|rollback|rollback-.*|undo|redo|revert|dropAll|drop-all|flush|purge)$/.test(word))) call.add({ kind: "lose", what: "database", target: `${call.name} ${words.join(" ")}` });
  if (/^(?:datasette)$/.test(call.name)) call.serve();
}
