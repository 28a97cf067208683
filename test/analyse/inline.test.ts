import { describe, expect, test } from "vitest";
import { files, judge, words } from "./judge.ts";

/** Code of other languages that a line carries: commands, files and hosts that it names, and text that it computes and runs. */
const found = (line: string): string => words(judge(line)).filter((word) => !/^(?:exec inline|read \.)$/.test(word)).join(" | ");

describe("commands that code runs are judged", () => {
  test.each([
    `python3 -c "import os; os.system('rm -rf src')"`, `python3 -c "import subprocess as s; import subprocess; subprocess.run(['rm','-rf','src'])"`, `python3 -c "import subprocess; subprocess.check_call('rm -rf src', shell=True)"`, `python3 -c "from os import system; system('rm -rf src')"`, `python3 -c "import shutil as s; s.rmtree('src')"`, `python3 -c "from shutil import rmtree; rmtree('src')"`, `python3 -c "import os; os.execvp('rm', ['rm','-rf','src'])"`,
    `python3 -c "import subprocess; subprocess.Popen(args, shell=True); subprocess.run(('rm','-rf','src'), check=True)"`, `python3 -c "d = 'src'; import subprocess; subprocess.run(['rm', '-rf', d])"`,
    `node -e "require('child_process').spawnSync('rm',['-rf','src'])"`, `node -e "const {execFile}=require('child_process'); execFile('rm', ['-rf', 'src'], () => {})"`, `node -e "require('child_process').execSync('rm -rf src')"`, `deno eval "Deno.run({})" ; node -e "Bun.spawn(['rm','-rf','src'])"`,
    `perl -e 'system "rm -rf src"'`, `perl -e 'system("rm","-rf","src")'`, `perl -e 'exec qw(rm -rf src)'`, "perl -e '`rm -rf src`'", "perl -e 'qx(rm -rf src)'", `perl -e 'open(F,"|rm -rf src")'`, `perl -e 'open F, "rm -rf src |"'`, `perl -e 'open(my $p, "-|", "rm", "-rf", "src")'`,
    `ruby -e 'system "rm -rf src"'`, `ruby -e 'exec("rm","-rf","src")'`, "ruby -e '`rm -rf src`'", "ruby -e '%x(rm -rf src)'", `ruby -e 'IO.popen(["rm","-rf","src"])'`, `ruby -e 'open("|rm -rf src")'`, `php -r 'system("rm -rf src");'`, "php -r '`rm -rf src`;'", `lua -e 'os.execute("rm -rf src")'`,
    `python3 - <<'E'\nimport shutil\nshutil.rmtree("src")\nE`, `python3 -c "exec('import shutil; shutil.rmtree(\\"src\\")')"`, `node -e "require('fs').rmSync('src', {recursive: true})"`, `perl -MFile::Path -e 'rmtree("src")'`, `ruby -r fileutils -e 'FileUtils.rm_rf("src")'`,
  ])("%s", (line) => expect(found(line)).toContain("delete-tree src"));
});

describe("what code deletes, writes and reaches", () => {
  test.each([
    [`python3 -c "import os; os.remove('a.txt')"`, "delete a.txt"],
    [`python3 -c "from pathlib import Path; Path('a.txt').unlink()"`, "delete a.txt"],
    [`python3 -c "import os,glob; [os.remove(f) for f in glob.glob('*.ts')]"`, "delete *.ts"],
    [`python3 -c "from pathlib import Path; [p.unlink() for p in Path('src').rglob('*.ts')]"`, "delete src/*.ts"],
    [`python3 -c "import os; os.remove(name)"`, "write ?"],
    [`python3 -c "import shutil; shutil.rmtree(name)"`, "delete-tree ?"],
    [`python3 -c "import shutil, tempfile; d = tempfile.mkdtemp(); shutil.rmtree(d)"`, "delete-tree /tmp/tmp.x0"],
    [`python3 -c "import shutil; shutil.move('a', '/h/b')"`, "write /h/b | write a"],
    [`python3 -c "open('/h/x', mode='a').write('y')"`, "write /h/x"],
    [`python3 -c "import os; p = os.path.expanduser('~/.bashrc'); open(p, 'w')"`, "write /h/.bashrc"],
    [`node -e "fs.renameSync('a', '/h/b')"`, "write /h/b | write a"],
    [`node -e "fs.unlinkSync('a')"`, "delete a"],
    [`perl -e 'unlink glob "*.ts"'`, "delete *.ts"],
    [`perl -e 'unlink <*.ts>'`, "delete *.ts"],
    [`perl -e 'unlink "a", "b"'`, "delete a | delete b"],
    [`perl -e 'open(my $f, ">", "/h/x")'`, "write /h/x"],
    [`perl -e 'open(F, ">>/h/x")'`, "write /h/x"],
    [`ruby -e 'Dir.glob("*.ts").each { |f| File.delete(f) }'`, "delete *.ts"],
    [`php -r 'array_map("unlink", glob("*.ts"));'`, "delete *.ts"],
    [`php -r 'file_put_contents("/h/x", "y");'`, "write /h/x"],
    [`python3 -c "import urllib.request as u; from urllib.request import urlopen; urlopen('https://example.org/a')"`, "network example.org"],
    [`python3 -c "import requests; requests.post('https://example.org/a', data=x)"`, "send example.org"],
    [`python3 -c "import socket; socket.create_connection(('example.org', 80))"`, "send example.org"],
    [`node -e "fetch('https://example.org/x', { method: 'POST', body: b })"`, "send example.org"],
    [`node -e "require('net').connect(80, 'example.org')"`, "send example.org"],
    [`ruby -e 'require "net/http"; Net::HTTP.get(URI("https://example.org/x"))'`, "network example.org"],
    [`php -r 'echo file_get_contents("https://example.org/x");'`, "network example.org"],
    [`perl -MIO::Socket -e 'IO::Socket::INET->new(PeerAddr => "example.org:80")'`, "send example.org"],
    [`python3 -c "import requests; requests.get('http://localhost:8000/')"`, "network localhost"],
  ])("%s", (line, wanted) => expect(found(line)).toContain(wanted));
});

describe("text that code computes and runs", () => {
  test.each([
    `python3 -c "import sys; exec(sys.argv[1])" x`, `python3 -c "eval(input())"`, `python3 -c "exec(compile(s, '', 'exec'))"`, `python3 -c "getattr(__import__('os'), 'sys' + 'tem')('id')"`, `python3 -c "__import__(n).run()"`, `node -e "eval(process.argv[1])"`, `node -e "new Function(s)()"`, `node -e "require('vm').runInNewContext(s)"`,
    `node -e "require('child_process')['ex' + 'ec']('id')"`, "perl -e 'eval $x'", "ruby -e 'eval(s)'", "php -r 'eval($x);'", `lua -e 'load(s)()'`,
  ])("%s", (line) => expect(found(line)).toContain("opaque unknown"));
  test.each([`python3 -c "exec(__import__('base64').b64decode('eA=='))"`, `node -e "eval(Buffer.from('eA==', 'base64').toString())"`, `perl -MMIME::Base64 -e 'eval decode_base64("eA==")'`, `php -r 'eval(base64_decode("eA=="));'`])("%s: hidden", (line) => expect(found(line)).toContain("opaque suspicious"));
  test("code of a file that is named is code of its place", () => expect(found(`python3 -c "exec(open('tools/gen.py').read())"`)).toBe("exec workspace | read tools/gen.py"));
});

describe("what looks alike and is nothing of the kind", () => {
  test.each([
    `python3 -c "import re; re.compile(p)"`, `python3 -c "model.eval(); cursor.exec(q)"`, `python3 -c "print(eval('1 + 1'))"`, `python3 -c "import ast; ast.literal_eval(s)"`, `node -e "/x/.exec(s)"`, "perl -e 'eval { die }; print $@'", `python3 -c "x = 'os.system(\\"rm -rf src\\")'; print(x)"`,
    `python3 - <<'E'\n# os.system("rm -rf src")\ntext = """\nshutil.rmtree("src")\n"""\nprint(text)\nE`, `python3 -c "import platform; print(platform.system())"`, `python3 -c "items.remove(x); d.unlink"`, `python3 -c "def eval(x): return x"`,
  ])("%s", (line) => expect(found(line)).toBe(""));
});

test("a credential that code prints is read", () => {
  expect(found(`python3 -c "import os; print(os.environ['DEPLOY_TOKEN'])"`)).toContain("secret $");
  expect(found(`node -p "1"; node -e "console.log(process.env.API_KEY)"`)).toContain("secret $");
  expect(found(`python3 -c "import os; print(os.environ['LANG'])"`)).toBe("");
});

test("a program of the workspace that computes what it removes is not asked about", () => {
  const facts = { facts: { files: files({ "/w/t.py": "import shutil\nshutil.rmtree(name)\neval(code)\n" }) } };
  expect(words(judge("python3 t.py", facts))).toEqual(["exec inline", "exec workspace", "read t.py"]);
  expect(words(judge("cat > t.py <<'E'\nimport shutil\nshutil.rmtree(name)\nE\npython3 t.py"))).toContain("delete-tree ?");
});
