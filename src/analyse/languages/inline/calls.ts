import type { Call } from "../../call.ts";
import { hostOf } from "../../call.ts";
import { HOLE, field } from "../../value.ts";
import type { Argument } from "./arguments.ts";

/** What a call in inline code does with its arguments. `name` is what was matched. */
export type Deed = (args: readonly Argument[], call: Call, name: string) => void;
type Row = { readonly languages: RegExp; readonly calls: RegExp; readonly deed: Deed };

/**
 * Calls of the languages' own libraries (docs.python.org, nodejs.org/api, perldoc, docs.ruby-lang.org, php.net) that run, delete,
 * write, rename or reach something. A path or host that the code computes is a hole, and counts as such.
 */
const ANY = /./;

/** Text that a shell reads. */
const shellText: Deed = ([first], call) => {
  // What is put into the text is some value of a variable that nobody knows.
  if (first !== undefined && first.text !== HOLE) call.run.text(field([first.text.replaceAll(HOLE, "${hole}")]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
};

/** A program and its arguments, in a list or one after the other. */
const argv = (words: readonly string[], call: Call): void => {
  if (words[0] !== undefined && !words[0].includes(HOLE)) call.run.argv(words.map((word) => field([word])), call, { input: { kind: "inherited" } });
};

const shellOrArgv: Deed = (args, call, name) => {
  const words = args.filter(({ source }) => !/^\w+\s*(?:=(?!=)|=>|:)|^\{/.test(source));
  if (words[0]?.list !== undefined) argv(words[0].list, call);
  else if (words.length > 1) argv(words.map(({ text }) => text), call);
  else shellText(args, call, name);
};

/** `subprocess.run(x, shell=True)` and `subprocess.run([…])`. */
const subprocess: Deed = (args, call, name) => {
  const [first] = args;
  if (first?.list !== undefined) argv(first.list, call);
  else if (args.some(({ source }) => /^shell\s*=\s*True$/.test(source))) shellText(args, call, name);
};

/** `spawn("rm", ["-rf", "x"])`, `execFile(…)`, `os.execvp("rm", ["rm", …])`. */
const fileAndList: Deed = ([first, second], call, name) => {
  if (first === undefined) return;
  const list = second?.list ?? [];
  argv([first.text, ...(/^os\./.test(name) ? list.slice(1) : list)], call);
};

function place(text: string, call: Call, access: "read" | "write" | "delete" | "delete-tree"): void {
  if (text === "" || text.includes("\n")) return;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    if (/^(?:https?|ftp):/i.test(text)) call.host(hostOf(text).host, { port: hostOf(text).port });
    return;
  }
  call.path(field([text], /[*?]/.test(text) && access.startsWith("delete")), access);
}

const on = (access: "read" | "write" | "delete" | "delete-tree"): Deed => (args, call) => {
  for (const { text, list } of args.slice(0, 1)) {
    for (const one of list ?? [text]) {
      // One file that the code computes: outside of what the sandbox lets it write it cannot be deleted. A whole tree is another matter.
      if (!one.includes(HOLE) || (access === "delete-tree" && call.context.inFile === 0)) place(one, call, access);
      else if (access === "delete") call.path(field([HOLE]), "write");
    }
  }
};

/** Each argument is a file: perl's and ruby's `unlink`, `File.delete`. */
const deletesAll: Deed = (args, call) => {
  for (const { text, list, source } of args) {
    const pattern = /^(?:glob|Dir\.glob|Dir)\b\s*[([]?\s*["']([^"']*)["']|^<([^>$]*)>$/.exec(source);
    if (pattern !== null) call.path(field([pattern[1] ?? pattern[2]!], true), "delete");
    else for (const one of list ?? [text]) if (one !== HOLE) place(one, call, "delete");
  }
};

const opens: Deed = ([path, mode], call) => {
  if (path === undefined || path.text === HOLE) return;
  place(path.text, call, /^(?:mode\s*=\s*)?["'][rbt]*[wax+]/.test(mode?.source ?? "") ? "write" : "read");
};

/** perl's `open(F, ">x")`, `open(F, ">", "x")`, `open(F, "cmd|")`; ruby's `open("|cmd")`. */
const perlOpens: Deed = (args, call) => {
  const [, mode, path] = args;
  const text = mode?.text ?? "";
  if (text === "|-" || text === "-|") return argv(args.slice(2).map((arg) => arg.text), call);
  if (/^\s*\||\|\s*$/.test(text)) return call.run.text(field([text.replace(/^\s*\||\|\s*$/g, "")]), call, { dialect: "sh", state: call.state.clone(), what: call.name });
  const target = path?.text ?? text.replace(/^\s*\+?[<>]{0,2}\s*/, "");
  if (target !== HOLE && target !== "") place(target, call, /^\s*\+?>|^\+</.test(text) ? "write" : "read");
};

const copies = (moved: boolean): Deed => ([from, to], call) => {
  if (from !== undefined && from.text !== HOLE) place(from.text, call, moved ? "write" : "read");
  if (to !== undefined && to.text !== HOLE) place(to.text, call, "write");
};

const asks = (sends: boolean): Deed => (args, call, name) => {
  const url = args.find(({ text }) => /^(?:https?|ftp|wss?):\/\//i.test(text))?.text;
  const method = args.some(({ source }) => /\b(?:POST|PUT|PATCH)\b|^(?:data|json|files)\s*=|\bbody\s*:/.test(source));
  // A host that the code computes is nothing that could be claimed, and is not reached.
  if (url === undefined) return;
  const { host, port } = hostOf(url);
  // A name with an empty part is no name (RFC 1123): nothing is reached.
  if (host?.startsWith(".") === true) return;
  if (host !== undefined) call.host(host, { port, sends: sends || method || /post|put|patch/i.test(name) });
};

/** `connect(("host", 80))`, `connect(80, "host")`, `TCPSocket.new("host", 80)`, `{ host: "h", port: 80 }`. */
const connects: Deed = (args, call) => {
  const words = args.flatMap(({ list, text, source }) => [...(list ?? [text]), ...[...source.matchAll(/\bhost\s*(?::|=>)\s*["']([^"']+)["']/g)].map((match) => match[1]!), ...[...source.matchAll(/PeerAddr\s*=>\s*["']([^"':]+)/g)].map((match) => match[1]!)]);
  const host = words.find((word) => /^[\w.-]*[A-Za-z.][\w.-]*$|^[\d.]+\.\d+$|^::1$/.test(word));
  if (host !== undefined) call.host(host, { sends: true });
};

const PYTHON = /^python/;
const NODE = /^(?:node|deno|bun|javascript)/;
const PERL = /^perl/;
const RUBY = /^ruby/;
const PHP = /^php/;
/** Languages without a table of their own: the names that nearly all of them use. */
const OTHER = /^(?!python|node|deno|bun|javascript|perl|ruby|php|lua)/;

export const CALLS: readonly Row[] = [
  { languages: PYTHON, calls: /(?<![.\w])(?:\w+\.)?system(?=\s*\()|\b(?:os\.popen|subprocess\.(?:getoutput|getstatusoutput)|pty\.spawn|commands\.getoutput)(?=\s*\()/g, deed: shellOrArgv },
  { languages: PYTHON, calls: /\b(?:subprocess\.(?:run|call|check_call|check_output|Popen)|(?<![.\w])(?:Popen|check_call|check_output))(?=\s*\()/g, deed: subprocess },
  { languages: PYTHON, calls: /\bos\.(?:exec|spawn)[vl]p?e?(?=\s*\()/g, deed: fileAndList },
  { languages: PYTHON, calls: /(?<![.\w])(?:[\w.]+\.)?(?:rmtree|removedirs|remove_tree)(?=\s*\()/g, deed: on("delete-tree") },
  { languages: PYTHON, calls: /\bos\.(?:remove|unlink|rmdir)(?=\s*\()/g, deed: on("delete") },
  { languages: PYTHON, calls: /\b(?:shutil\.move|os\.(?:rename|replace|renames|link|symlink))(?=\s*\()/g, deed: copies(true) },
  { languages: PYTHON, calls: /\bshutil\.(?:copy|copy2|copyfile|copytree)(?=\s*\()/g, deed: copies(false) },
  { languages: PYTHON, calls: /\b(?:os\.(?:makedirs|mkdir|chmod|chown|truncate|mkfifo))(?=\s*\()/g, deed: on("write") },
  { languages: PYTHON, calls: /(?<![\w.])(?:io\.|codecs\.|gzip\.)?open(?=\s*\()/g, deed: opens },
  { languages: PYTHON, calls: /\b(?:urllib\.request\.)?(?:urlopen|urlretrieve)(?=\s*\()|\b(?:requests|httpx)\.(?:get|head|options|post|put|patch|delete|request|stream)(?=\s*\()/g, deed: asks(false) },
  { languages: PYTHON, calls: /\b(?:socket\.create_connection|(?:sock|s|socket|client|conn|socket\.socket\([^)]*\))\.connect|http\.client\.HTTPS?Connection|smtplib\.SMTP(?:_SSL)?|ftplib\.FTP|telnetlib\.Telnet|paramiko\.[\w.()]*connect)(?=\s*\()/g, deed: connects },
  { languages: NODE, calls: /(?<![.$\w])(?:exec|execSync)(?=\s*\()|\bchild_process["']?\)?\.(?:exec|execSync)(?=\s*\()|\bcp\.(?:exec|execSync)(?=\s*\()|\bDeno\.run(?=\s*\()/g, deed: shellText },
  { languages: NODE, calls: /\b(?:spawn|spawnSync|execFile|execFileSync|fork|Bun\.spawn|Bun\.spawnSync)(?=\s*\()/g, deed: (args, call, name) => (args[0]?.list === undefined ? fileAndList(args, call, name) : argv(args[0].list, call)) },
  { languages: NODE, calls: /\b(?:rimraf(?:\.sync)?|rm(?:Sync)?|rmdir(?:Sync)?|Deno\.remove(?:Sync)?|emptyDirSync|removeSync)(?=\s*\()/g, deed: on("delete-tree") },
  { languages: NODE, calls: /\bunlink(?:Sync)?(?=\s*\()/g, deed: on("delete") },
  { languages: NODE, calls: /\b(?:rename|renameSync|symlink|symlinkSync|link|linkSync)(?=\s*\()/g, deed: copies(true) },
  { languages: NODE, calls: /\b(?:copyFile|copyFileSync|cp|cpSync)(?=\s*\()/g, deed: copies(false) },
  { languages: NODE, calls: /\b(?:writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream|mkdir|mkdirSync|chmod|chmodSync|truncateSync|Deno\.writeTextFile(?:Sync)?|Bun\.write)(?=\s*\()/g, deed: on("write") },
  { languages: NODE, calls: /\b(?:readFile|readFileSync|createReadStream|readdirSync|Deno\.readTextFile(?:Sync)?|Bun\.file)(?=\s*\()/g, deed: on("read") },
  { languages: NODE, calls: /(?<![.\w])(?:fetch)(?=\s*\()|\b(?:https?["']?\)?\.(?:get|request)|axios(?:\.(?:get|post|put|patch|delete|request))?|got(?:\.\w+)?)(?=\s*\()|\bnew WebSocket(?=\s*\()/g, deed: asks(false) },
  { languages: NODE, calls: /\b(?:net|tls)["']?\)?\.(?:connect|createConnection)(?=\s*\()/g, deed: connects },
  { languages: PERL, calls: /(?<![\w$@%>])(?:system|exec)\b/g, deed: shellOrArgv },
  { languages: PERL, calls: /(?<![\w$@%>])unlink\b/g, deed: deletesAll },
  { languages: PERL, calls: /\b(?:rmtree|remove_tree)\b/g, deed: on("delete-tree") },
  { languages: PERL, calls: /(?<![\w$@%>])(?:rename|move|symlink|link)\b(?=\s*[("'$])/g, deed: copies(true) },
  { languages: PERL, calls: /(?<![\w$@%>])open\b/g, deed: perlOpens },
  { languages: PERL, calls: /\b(?:getstore|getprint|LWP::Simple::get|HTTP::Tiny->new->(?:get|post|request)|->(?:get|post)(?=\s*\(\s*["']https?:)|(?<=LWP::Simple[^]*)get)(?=\s*\()/g, deed: asks(false) },
  { languages: PERL, calls: /IO::Socket::(?:INET|SSL)->new(?=\s*\()/g, deed: connects },
  { languages: RUBY, calls: /(?<![\w.:])(?:Kernel\.)?(?:system|exec|spawn)\b(?=\s*[("'])|\b(?:IO\.popen|Open3\.(?:capture2e?|capture3|popen3|popen2))(?=\s*\()/g, deed: shellOrArgv },
  { languages: RUBY, calls: /\bFileUtils\.(?:rm_rf|rm_r|remove_dir|remove_entry|rmtree)\b|\bDir\.rmdir\b/g, deed: on("delete-tree") },
  { languages: RUBY, calls: /\b(?:File\.(?:delete|unlink)|FileUtils\.(?:rm|rm_f|remove))\b/g, deed: deletesAll },
  { languages: RUBY, calls: /\b(?:File\.(?:rename|symlink|link)|FileUtils\.(?:mv|move|ln_s|ln))\b/g, deed: copies(true) },
  { languages: RUBY, calls: /\bFileUtils\.(?:cp|cp_r|copy|install)\b/g, deed: copies(false) },
  { languages: RUBY, calls: /\b(?:File|IO)\.(?:write|binwrite)\b|\b(?:FileUtils\.(?:mkdir_p|touch|chmod)|Dir\.mkdir)\b/g, deed: on("write") },
  { languages: RUBY, calls: /\b(?:File\.open|File\.new|(?<![\w.])open)(?=\s*[("'])/g, deed: (args, call, name) => (/^\|/.test(args[0]?.text ?? "") ? shellText([{ ...args[0]!, text: args[0]!.text.slice(1) }], call, name) : opens(args, call, name)) },
  { languages: RUBY, calls: /\b(?:File|IO)\.(?:read|readlines|foreach|binread)\b/g, deed: on("read") },
  { languages: RUBY, calls: /\b(?:Net::HTTP\.(?:get|get_response|post|post_form|start)|URI\.open|HTTParty\.\w+|Faraday\.\w+)\b/g, deed: asks(false) },
  { languages: RUBY, calls: /\b(?:TCPSocket|UDPSocket)\.(?:new|open)\b/g, deed: connects },
  { languages: PHP, calls: /(?<![\w>$])(?:system|shell_exec|passthru|exec|popen|proc_open|pcntl_exec)(?=\s*\()/g, deed: shellText },
  { languages: PHP, calls: /(?<![\w>$])unlink(?=\s*\()/g, deed: deletesAll },
  { languages: PHP, calls: /(?<![\w>$])rmdir(?=\s*\()/g, deed: on("delete") },
  { languages: PHP, calls: /(?<![\w>$])(?:rename|symlink|link)(?=\s*\()/g, deed: copies(true) },
  { languages: PHP, calls: /(?<![\w>$])copy(?=\s*\()/g, deed: copies(false) },
  { languages: PHP, calls: /(?<![\w>$])(?:file_put_contents|mkdir|touch|chmod)(?=\s*\()/g, deed: on("write") },
  { languages: PHP, calls: /(?<![\w>$])(?:file_get_contents|readfile|file|include|require|show_source|highlight_file)(?=\s*\()/g, deed: on("read") },
  { languages: PHP, calls: /(?<![\w>$])fopen(?=\s*\()/g, deed: opens },
  { languages: PHP, calls: /(?<![\w>$])curl_init(?=\s*\()/g, deed: asks(false) },
  { languages: PHP, calls: /(?<![\w>$])(?:fsockopen|stream_socket_client)(?=\s*\()/g, deed: connects },
  { languages: /^lua/, calls: /\b(?:os\.execute|io\.popen)(?=\s*\(?\s*["'[])/g, deed: shellText },
  { languages: /^lua/, calls: /\bos\.remove(?=\s*\()/g, deed: on("delete") },
  { languages: /^lua/, calls: /\bio\.open(?=\s*\()/g, deed: opens },
  { languages: OTHER, calls: /\b(?:system|system2|popen|exec|shell|os\.cmd|System\.cmd|getRuntime\(\)\.exec)(?=\s*\(?\s*["'])/g, deed: shellText },
  { languages: OTHER, calls: /\b(?:unlink|file\.remove|removeFile)(?=\s*\()/g, deed: on("delete") },
  { languages: OTHER, calls: /\b(?:File\.rm_rf!?|removeDirectoryRecursive)(?=\s*\(?)/g, deed: on("delete-tree") },
  { languages: OTHER, calls: /\b(?:download(?:\.file)?|Downloads\.(?:download|request)|HTTP\.(?:get|post|put|request|download)|readLines|read\.(?:csv|table)|source|httr2?::\w+|httpc:request|HTTPoison\.\w+|Req\.\w+!?|URI|URL|slurp|http-get|httpget|openURL)(?=\s*\(\s*["'])/g, deed: asks(false) },
  { languages: ANY, calls: /\b(?:Files\.(?:write|newBufferedWriter)|FileWriter|FileOutputStream|PrintWriter|RandomAccessFile)(?=\s*\()/g, deed: on("write") },
];
