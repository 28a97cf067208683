import { describe, expect, test } from "vitest";
import type { Effect } from "../../src/model/index.ts";
import { judge, words } from "./judge.ts";

/** What a developer types all day in a workspace: none of it may have an effect that stops it. */
const LINES: Readonly<Record<string, string>> = {
  reading: `
ls
ls -la
ls -lhS src
cat README.md
cat -n src/main.ts | head -40
head -n 50 CHANGELOG.md
tail -n 100 build.log
tail -f dev.log
less README.md
bat src/index.ts
tree -L 2 -I node_modules
find . -name '*.ts' -not -path './node_modules/*'
find src -type f -newer package.json
find . -maxdepth 2 -type d
fd -e ts
file assets/logo.png
stat package.json
wc -l src/*.ts
du -sh .
du -h -d 1
df -h
pwd
readlink -f src
realpath ./src/index.ts
basename /a/b/c.ts .ts
dirname src/a/b.ts
cat package.json | jq .scripts
jq -r '.dependencies | keys[]' package.json
jq --arg v 1.2.3 '.version = $v' package.json
yq '.jobs' config.yml
diff -u a.txt b.txt
cmp a.bin b.bin
sha256sum dist/app.js
md5sum a.txt
xxd a.bin | head
hexdump -C a.bin | head -5
strings app | grep version
nl -ba src/a.ts
column -t data.txt
sort names.txt | uniq -c | sort -rn | head
cut -d, -f1 data.csv
paste a b
tr a-z A-Z < in.txt
rev in.txt
comm -12 a b
zcat log.gz | head
tar tzf a.tgz
unzip -l a.zip
echo $PATH
date +%F
which node
type ls
uname -a
whoami
id
hostname
uptime
nproc
free -h
ps aux
ps -ef | grep node
pgrep -fl vite
top -b -n1
lsof -i :3000
ss -tlnp
lsblk
lscpu
printenv HOME
man 3 printf
`,
  searching: `
grep -rn DEPRECATED src
grep -RIl "import React" --include='*.tsx' .
grep -E '^(export|import)' src/a.ts
grep -c error build.log
grep -v '^#' .gitignore
rg useState
rg -n --hidden -g '!node_modules' foo
rg -l 'class Foo' src | sort
rg --files | wc -l
ag foo src
git grep -n parseScript
awk '{print $1}' access.log | sort -u
awk -F, '$3 > 10 {s += $3} END {print s}' data.csv
sed -n '10,20p' src/a.ts
find . -name '*.log' -exec grep -l ERROR {} +
find src -name '*.ts' | xargs wc -l
find src -name '*.ts' -print0 | xargs -0 grep -n foo
`,
  editing: `
touch src/new.ts
mkdir -p src/a/b
cp src/a.ts src/b.ts
cp -r templates/app app
mv src/a.ts src/c.ts
rm src/old.ts
rm -f tmp.txt
rm -rf node_modules
rm -rf dist build coverage
rmdir empty
ln -s ../shared shared
chmod +x scripts/run.sh
echo 'export const x = 1' > src/x.ts
echo done >> notes.md
printf '%s\\n' a b > list.txt
cat > src/y.ts <<'EOF'
tee out.log < in.log
sed -i 's/foo/bar/g' src/a.ts
sed -i.bak '/debug/d' src/a.ts
perl -pi -e 's/foo/bar/' src/a.ts
awk '{print $2}' a.txt > b.txt
sort data.txt > sorted.txt
patch -p1 < fix.patch
tar czf src.tgz src
tar xzf src.tgz
zip -r out.zip dist
unzip out.zip
gzip -k data.json
gunzip data.json.gz
dos2unix a.txt
split -l 1000 big.csv
base64 logo.png > logo.b64
convert logo.png -resize 50% small.png
ffmpeg -i in.mov out.mp4
pandoc README.md -o README.html
dot -Tpng graph.dot -o graph.png
`,
  git: `
git status
git status -sb
git diff
git diff --stat
git diff HEAD~1 -- src
git diff --cached
git log --oneline -20
git log --graph --all --oneline
git log -p -2 src/a.ts
git show HEAD
git show HEAD:src/a.ts
git blame src/a.ts
git branch
git branch -a
git branch -vv
git branch topic
git checkout -b feature/x
git switch -c topic
git switch main
git add .
git add -A
git add -p src
git commit -m "fix: x"
git commit --amend --no-edit
git stash
git stash list
git stash pop
git tag
git tag v1.0.0
git remote -v
git rev-parse HEAD
git rev-parse --show-toplevel
git ls-files
git merge topic
git rebase main
git cherry-pick abc123
git revert HEAD --no-edit
git reset HEAD src/a.ts
git reset --soft HEAD~1
git rm --cached big.bin
git mv a.ts b.ts
git describe --tags
git shortlog -sn
git reflog
git config --get user.name
git config --list
git worktree list
git clean -nd
git apply fix.patch
git bisect log
git merge-base main HEAD
git rev-list --count HEAD
git check-ignore -v dist
git -C packages/a status
git --no-pager log -5
`,
  building: `
make
make -j8 all
make test
cmake -S . -B build
cmake --build build
ninja -C build
npm run build
npm run lint
npm test
npm start
npm run -s typecheck
npm ls --depth=0
yarn build
yarn test
pnpm build
pnpm -r test
npx tsc --noEmit
npx eslint .
npx prettier --check .
npx vitest run
npx jest --coverage
tsc -p tsconfig.json
eslint src --ext .ts
eslint --fix src
prettier --write src
webpack --mode production
vite build
esbuild src/a.ts --bundle --outfile=dist/a.js
rollup -c
turbo run build
node build.js
node --test
node -e 'console.log(1)'
node --version
npm --version
tsx scripts/gen.ts
bun test
deno test
cargo build
cargo build --release
cargo check
cargo clippy -- -D warnings
cargo fmt
cargo run -- --help
cargo doc --no-deps
cargo tree
rustc --version
go build ./...
go vet ./...
go fmt ./...
go run .
go mod graph
go version
gofmt -l .
gcc -Wall -O2 -o app main.c
g++ -std=c++20 -c a.cpp
clang -fsyntax-only a.c
mvn -q package
./gradlew build
gradle test
dotnet build
dotnet test
swift build
mix test
mix compile
bundle exec rspec
bundle exec rake
rake test
rails test
composer run test
phpunit
php -l index.php
dart analyze
flutter test
zig build
nim c main.nim
stack build
cabal test
dune build
sbt test
lein test
bazel build //...
latexmk -pdf paper.tex
pdflatex paper.tex
`,
  testing: `
pytest
pytest -q
pytest tests/test_a.py::test_b -x
pytest -k 'foo and not bar' --maxfail=1
pytest --cov=src --cov-report=xml:coverage.xml
python -m pytest -q tests
python3 -m unittest discover
python3 script.py
python3 -c 'print(1)'
python3 manage.py test
python3 -m json.tool data.json
tox -e py311
ruff check .
ruff check --fix src
ruff format .
black .
black --check src
isort src
mypy src
mypy --strict src
flake8
pylint src
pyright
coverage report
pre-commit run --all-files
go test ./...
go test -run TestX -v ./pkg
go test -race -cover ./...
cargo test
cargo test foo -- --nocapture
cargo nextest run
vitest run
vitest run src/a.test.ts
jest -t 'my test'
jest src/a.test.ts --watch=false
playwright test
mocha --recursive test
cypress run
shellcheck scripts/*.sh
shfmt -d scripts
yamllint .
hadolint Dockerfile
markdownlint docs
terraform fmt -check
terraform validate
sqlite3 dev.db 'SELECT count(*) FROM users'
sqlite3 dev.db .tables
uv run pytest
poetry run pytest
valgrind --leak-check=full ./app
gdb -batch -ex run -ex bt ./app
hyperfine './app'
time make
timeout 60 npm test
nice -n 10 make
`,
  lines: `
cd src && ls
cd packages/a && npm test
npm run build 2>&1 | tail -20
npm test -- --watch=false | tee test.log
for f in src/*.ts; do wc -l "$f"; done
for i in 1 2 3; do echo $i; done
if [ -f package.json ]; then echo yes; fi
[ -d dist ] && ls dist
test -f .nvmrc && cat .nvmrc
while read -r l; do echo "$l"; done < list.txt
git diff --name-only | xargs -r npx prettier --check
git log --format=%H -1 | cut -c1-7
NODE_ENV=test npm test
FOO=bar make
CC=clang make
MAVEN_OPTS=-Xmx2g mvn test
export NODE_ENV=development
mkdir -p build && cd build && cmake ..
(cd docs && ls)
ls | wc -l; echo done
make clean && make
rm -rf dist && npm run build
cat a.txt b.txt > c.txt
grep -q foo a.txt || echo missing
echo "$(git rev-parse --short HEAD)" > VERSION
x=$(cat VERSION); echo "$x"
sleep 1 && echo ok
true
seq 1 5 | xargs -n1 echo
ls -t | head -1
printf 'a\\tb\\n' | column -t
curl -s http://localhost:3000/health
`,
};
const EVERYDAY = Object.entries(LINES).map(([group, text]): [string, readonly string[]] => [group, text.split("\n").filter((line) => line !== "").map((line) => (line.endsWith("<<'EOF'") ? `${line}\nx\nEOF` : line))]);

/** Whether the sandbox of an allowed line holds this effect. */
function harmless(effect: Effect): boolean {
  switch (effect.kind) {
    case "read":
      return true;
    case "write":
      return ["workspace", "tmp", "null"].includes(effect.path.zone) && !effect.path.flags.includes("protected");
    case "delete":
      return effect.path.zone === "workspace" && (effect.path.flags.includes("artefact") || (!effect.recursive && !effect.path.flags.includes("glob")));
    case "exec":
      return effect.what === "workspace" || effect.what === "inline";
    case "network":
      return effect.loopback;
    case "process":
      return effect.action === "look";
    case "privilege":
    case "persist":
    case "secret":
    case "lose":
    case "remote":
    case "opaque":
      return false;
  }
}

describe.each(EVERYDAY)("%s", (_group, lines) => {
  test.each(lines)("%s", (cmd) => {
    const analysis = judge(cmd);
    expect(words({ ...analysis, effects: analysis.effects.filter((effect) => !harmless(effect)) })).toEqual([]);
  });
});

test("enough of a day", () => {
  expect(EVERYDAY.flatMap(([, lines]) => lines).length).toBeGreaterThan(250);
});
