import type { Row } from "./row.ts";

const PACKAGE = JSON.stringify({ name: "small", version: "1.0.0", bin: { small: "cli.js" }, scripts: { test: "node --test", build: "node build.js", greet: "small hi" } });
const NODE_FILES = {
  "package.json": PACKAGE,
  "cli.js": "#!/usr/bin/env node\nconsole.log('cli', ...process.argv.slice(2));\n",
  "build.js": "const fs=require('fs');fs.mkdirSync('dist',{recursive:true});fs.writeFileSync('dist/out.js','1');console.log('built')\n",
  "small.test.js": "const {test}=require('node:test');test('adds',()=>{if(1+1!==2)throw 1})\n",
};
const LINKED = "mkdir -p node_modules/.bin && chmod +x cli.js && ln -s ../../cli.js node_modules/.bin/small";

const CARGO = {
  "Cargo.toml": "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
  "src/lib.rs": "pub fn two() -> i32 { 2 }\n#[test]\nfn is_two() { assert_eq!(two(), 2); }\n",
};
const GO = { "go.mod": "module example.org/small\n\ngo 1.19\n", "small.go": "package small\n\nfunc Two() int { return 2 }\n", "small_test.go": "package small\n\nimport \"testing\"\n\nfunc TestTwo(t *testing.T) { if Two() != 2 { t.Fatal() } }\n" };
const MAVEN_FREE_JAVA = { "Main.java": "public class Main { public static void main(String[] a) throws Exception { var f = java.nio.file.Files.createTempFile(\"x\", \"y\"); System.out.println(\"java \" + f.toString().startsWith(\"/tmp/\")); } }\n" };

const BROWSER_TEST = `const test = require("node:test"), assert = require("node:assert"), { execFile } = require("node:child_process");
test("page", (_, done) => {
  const server = require("node:http").createServer((_, answer) => answer.end("<h1>served</h1>")).listen(0, "127.0.0.1", () => {
    execFile("chromium-headless-shell", ["--no-sandbox", "--dump-dom", "http://127.0.0.1:" + server.address().port + "/"], (error, out) => { server.close(); assert.match(out, /served/); done(error); });
  });
});
`;

export const BUILD_ROWS: readonly Row[] = [
  { name: "npm test", files: NODE_FILES, line: "npm test --silent", profile: "workspace", out: /pass 1/, needs: ["npm", "node"] },
  { name: "npm run build && cat", files: NODE_FILES, line: "npm run build && cat dist/out.js", profile: "workspace", out: /built\n1$/, needs: ["npm", "node"] },
  { name: "npm run with a binary of node_modules", files: NODE_FILES, before: LINKED, line: "npm run --silent greet", profile: "workspace", out: "cli hi\n", needs: ["npm", "node"] },
  { name: "npx with a local binary", files: NODE_FILES, before: LINKED, line: "npx small there", profile: "workspace", out: "cli there\n", needs: ["npx", "node"] },
  { name: "npm pack", files: NODE_FILES, line: "npm pack --silent && tar -tzf small-1.0.0.tgz | wc -l", profile: "workspace", out: "small-1.0.0.tgz\n5\n", needs: ["npm", "node"] },
  { name: "npm install of a local package, offline", files: { ...NODE_FILES, "dep/package.json": JSON.stringify({ name: "dep", version: "1.0.0" }) }, line: "npm install --offline --no-audit --no-fund ./dep && node -p \"require('./node_modules/dep/package.json').version\"", profile: "workspace", out: /1\.0\.0\n$/, needs: ["npm", "node"], yes: "person", network: "any" },
  { name: "npm config and npm ls", files: NODE_FILES, line: "npm ls --depth=0; npm pkg get version", profile: "read-only", out: /"1\.0\.0"\n$/, needs: ["npm", "node"] },
  { name: "node --test", files: NODE_FILES, line: "node --test 2>&1 | tail -8", profile: "workspace", out: /pass 1/, needs: ["node"] },
  { name: "node worker threads", line: "node -e 'const {Worker}=require(\"worker_threads\");new Worker(\"require(\\\"worker_threads\\\").parentPort.postMessage(42)\",{eval:true}).on(\"message\",console.log)'", profile: "workspace", out: "42\n", needs: ["node"] },
  { name: "node inspector opens its port", line: "node --inspect=127.0.0.1:0 -e 'console.log(1)' 2>&1 | grep -c 'Debugger listening on ws://127.0.0.1'", profile: "workspace", out: "1\n", needs: ["node"] },
  { name: "node cluster and child processes", files: { "c.js": "const c=require('cluster');if(c.isPrimary){c.fork().on('exit',(x)=>console.log('exit',x))}else{process.exit(5)}\n" }, line: "node c.js", profile: "workspace", out: "exit 5\n", needs: ["node"] },
  { name: "python's unittest", files: { "test_a.py": "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(1+1, 2)\n" }, line: "/usr/bin/python3 -m unittest -q 2>&1 | tail -1", profile: "workspace", out: "OK\n", needs: ["/usr/bin/python3"] },
  { name: "python's multiprocessing", files: { "m.py": "import multiprocessing as m\ndef f(x): return x*x\nif __name__ == '__main__':\n    with m.Pool(2) as p: print(sum(p.map(f, range(10))))\n" }, line: "/usr/bin/python3 m.py", profile: "workspace", out: "285\n", needs: ["/usr/bin/python3"] },
  { name: "a python script in a here-document", line: "/usr/bin/python3 - <<'EOF'\nimport json, tempfile\nwith tempfile.NamedTemporaryFile() as f: f.write(b'x')\nprint(json.dumps({'a': 1}))\nEOF", profile: "workspace", out: "{\"a\": 1}\n", needs: ["/usr/bin/python3"] },
  { name: "venv", line: "/usr/bin/python3 -m venv --without-pip .venv && .venv/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'", profile: "workspace", out: "True\n", needs: ["/usr/bin/python3"] },
  { name: "pip installs a package of the workspace, offline", files: { "pkg/pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n", "pkg/backend.py": BACKEND() }, line: "/usr/bin/python3 -m pip install -q --disable-pip-version-check --no-index --no-build-isolation --target lib ./pkg 2>/dev/null && PYTHONPATH=lib /usr/bin/python3 -c 'import smallpkg; print(smallpkg.x)'", profile: "workspace", out: "7\n", needs: ["/usr/bin/python3"] },
  { name: "pip list and pip --version", line: "/usr/bin/python3 -m pip --version | cut -d' ' -f1", profile: "read-only", out: "pip\n", needs: ["/usr/bin/python3"] },
  { name: "cargo test, offline", files: CARGO, line: "cargo test --offline -q 2>&1 | grep -c 'test result: ok. 1 passed'", profile: "workspace", out: "1\n", needs: ["cargo"] },
  { name: "go test, offline", files: GO, line: "go test ./...", profile: "workspace", out: /^ok/, needs: ["go"] },
  { name: "make", files: { Makefile: "all: out\nout: in\n\tcp in out\n\t@echo made\n", in: "1\n" }, line: "make && make && cat out", profile: "workspace", out: /made\nmake: Nothing to be done.*\n1\n/, needs: ["make"] },
  { name: "make -j with recipes in a shell", files: { Makefile: "all: $(foreach n,1 2 3 4 5 6 7 8,o$(n))\no%:\n\t@for i in 1 2; do echo $* >> $@; done\n" }, line: "make -j4 && cat o* | wc -l", profile: "workspace", out: "16\n", needs: ["make"] },
  { name: "gcc and run", files: { "a.c": "#include <stdio.h>\nint main(void){puts(\"hi\");return 3;}\n" }, line: "gcc -Wall -O2 -pipe -o a a.c && ./a", profile: "workspace", code: 3, out: "hi\n", needs: ["gcc"] },
  { name: "g++ with a sanitizer", files: { "a.cc": "#include <vector>\n#include <cstdio>\nint main(){std::vector<int> v{1,2};printf(\"%zu\\n\", v.size());}\n" }, line: "g++ -fsanitize=undefined -o a a.cc && ./a", profile: "workspace", out: "2\n", needs: ["g++"] },
  { name: "cmake, build, ctest", files: { "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(small C)\nenable_testing()\nadd_executable(a a.c)\nadd_test(NAME runs COMMAND a)\n", "a.c": "int main(void){return 0;}\n" }, line: "cmake -S . -B build > /dev/null && cmake --build build > /dev/null && cd build && ctest 2>&1 | grep -o '100% tests passed'", profile: "workspace", out: "100% tests passed\n", needs: ["cmake", "gcc", "make"] },
  { name: "cmake with ninja", files: { "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(small C)\nadd_executable(a a.c)\n", "a.c": "int main(void){return 0;}\n" }, line: "cmake -S . -B out -G Ninja >/dev/null && ninja -C out >/dev/null && ./out/a && echo ran", profile: "workspace", out: "ran\n", needs: ["cmake", "gcc", "ninja"] },
  { name: "a shared library and its symbols", files: { "l.c": "int l(void){return 1;}\n" }, line: "gcc -shared -fPIC -o libl.so l.c && nm -D libl.so | grep -c ' T l$'", profile: "workspace", out: "1\n", needs: ["gcc"] },
  { name: "node with a package of the workspace and a watcher of files", files: { "w.js": "const fs=require('fs');fs.writeFileSync('seen','');const w=fs.watch('.',(e,f)=>{if(f==='seen'){console.log('changed');w.close()}});setTimeout(()=>fs.writeFileSync('seen','x'),50);setTimeout(()=>process.exit(1),5000).unref()\n" }, line: "node w.js", profile: "workspace", out: "changed\n", needs: ["node"] },
  { name: "java from source", files: MAVEN_FREE_JAVA, line: "javac Main.java && java -Xshare:auto Main", profile: "workspace", out: "java true\n", needs: ["javac", "java"] },
  { name: "sqlite3", line: "sqlite3 t.db 'create table t(a); insert into t values (1),(2); select sum(a) from t;'", profile: "workspace", out: "3\n", needs: ["sqlite3"] },
  { name: "perl in place", files: { "t.txt": "one\n" }, line: "perl -pi -e 's/one/two/' t.txt && cat t.txt", profile: "workspace", out: "two\n", needs: ["perl"] },
  { name: "gdb runs a program to a break point", files: { "a.c": "int f(int x){return x+1;}\nint main(void){return f(4);}\n" }, line: "gcc -g -o a a.c && gdb -q -batch -iex 'set startup-with-shell off' -ex 'break f' -ex run -ex 'print x' ./a 2>&1 | grep '^.1 = '", profile: "workspace", out: "$1 = 4\n", needs: ["gdb", "gcc"] },
  { name: "gdb as it is, starting the program through $SHELL", known: "gdb counts executions, and a shim is one more", files: { "a.c": "int f(int x){return x+1;}\nint main(void){return f(4);}\n" }, line: "gcc -g -o a a.c && gdb -q -batch -ex 'break f' -ex run -ex 'print x' ./a 2>&1 | grep '^.1 = '", profile: "workspace", out: "$1 = 4\n", needs: ["gdb", "gcc"] },
  { name: "a browser makes a page", files: { "p.html": "<script>document.write('made ' + (1 + 1))</script>\n" }, line: "chromium-headless-shell --no-sandbox --dump-dom file://$PWD/p.html 2>/dev/null", profile: "workspace", out: /made 2/, needs: ["chromium-headless-shell"], yes: "person" },
  { name: "a test starts a browser on its own server", files: { "b.test.js": BROWSER_TEST }, line: "node --test b.test.js 2>&1 | grep -E '^(# |ℹ )?(pass|fail)'", profile: "workspace", out: /pass 1\n(# |ℹ )?fail 0\n$/, needs: ["chromium-headless-shell", "node"] },
  { name: "strace of an own program", line: "strace -f -e trace=execve -o log sh -c true && grep -c execve log", profile: "workspace", out: /^[1-9]/, needs: ["strace"] },
];

/** A build backend without dependencies: what pip needs to install a package of the workspace with no network. */
function BACKEND(): string {
  return [
    "import zipfile, os",
    "def build_wheel(d, config_settings=None, metadata_directory=None):",
    "    n = 'smallpkg-1.0-py3-none-any.whl'",
    "    with zipfile.ZipFile(os.path.join(d, n), 'w') as z:",
    "        z.writestr('smallpkg.py', 'x = 7\\n')",
    "        z.writestr('smallpkg-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: smallpkg\\nVersion: 1.0\\n')",
    "        z.writestr('smallpkg-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')",
    "        z.writestr('smallpkg-1.0.dist-info/RECORD', 'smallpkg.py,,\\nsmallpkg-1.0.dist-info/METADATA,,\\nsmallpkg-1.0.dist-info/WHEEL,,\\nsmallpkg-1.0.dist-info/RECORD,,\\n')",
    "    return n",
    "",
  ].join("\n");
}
