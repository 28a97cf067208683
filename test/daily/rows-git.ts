import type { Row } from "./row.ts";

const commit = (text: string): string => `echo ${text} >> README && git commit -qam ${text}`;

/** A second branch whose commit touches another file. */
const TOPIC = "git switch -qc topic && echo t > topic.txt && git add topic.txt && git commit -qm topic && git switch -q main";

export const GIT_ROWS: readonly Row[] = [
  { name: "git status, log, diff", before: "echo more >> README", line: "git status --short; git log --oneline | wc -l; git diff --stat | tail -1", profile: "read-only", out: " M README\n1\n 1 file changed, 1 insertion(+)\n" },
  { name: "git blame, show, shortlog, rev-parse", line: "git blame -s README | cut -d' ' -f3-; git show --stat --format=%s HEAD | head -1; git rev-parse --abbrev-ref HEAD", profile: "read-only", out: /hello\nfirst\nmain\n$/ },
  { name: "git add and commit", line: "echo x > a && git add -A && git commit -q -m 'add a' && git log -1 --format=%s", profile: "workspace", out: "add a\n" },
  { name: "git commit with a here-document, as agents write it", files: { "b.txt": "b\n" }, line: "git add b.txt && git commit -q -m \"$(cat <<'EOF'\nadd b\n\nbecause\nEOF\n)\" && git log -1 --format=%B", profile: "workspace", out: "add b\n\nbecause\n\n" },
  { name: "git commit runs the repository's hook", before: "printf '#!/bin/sh\\necho hook ran >&2\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit", line: "git commit -q --allow-empty -m hooked", profile: "workspace", err: /hook ran/ },
  { name: "git branch, switch, tag", line: "git switch -qc topic && git branch --list | wc -l && git tag v1 && git describe --tags", profile: "workspace", out: "2\nv1\n" },
  { name: "git stash and back", before: "echo more >> README", line: "git stash -q && git status --short && git stash pop -q && git status --short", profile: "workspace", out: " M README\n" },
  { name: "git merge", before: TOPIC, line: "git merge -q --no-ff -m merged topic && git log --oneline | wc -l && cat topic.txt", profile: "workspace", out: "3\nt\n" },
  { name: "git rebase", before: `${TOPIC} && ${commit("second")} && git switch -q topic`, line: "git rebase -q main && git log --oneline | wc -l", profile: "workspace", out: "3\n" },
  { name: "git rebase -i with a sequence editor", before: `${commit("two")} && ${commit("three")}`, line: "GIT_SEQUENCE_EDITOR=\"sed -i '2s/^pick/fixup/'\" git rebase -q -i HEAD~2 && git log --oneline | wc -l", profile: "workspace", out: "2\n", yes: "person" },
  { name: "git cherry-pick and revert", before: TOPIC, line: "git cherry-pick topic >/dev/null && git revert --no-edit HEAD >/dev/null && git log --oneline | wc -l", profile: "workspace", out: "3\n" },
  { name: "git worktree add and a commit in it", line: "git worktree add -q ./tree -b side && cd tree && echo x > x && git add x && git commit -qm x && git log --oneline | wc -l", profile: "workspace", out: "2\n" },
  { name: "a commit in a linked work tree beside the repository", before: "mkdir -p ../LINK && git worktree add -q ../LINK/tree -b side", cwd: "../LINK/tree", line: "echo x > x && git add x && git commit -qm x && git log --oneline | wc -l", profile: "workspace", out: "2\n" },
  { name: "a commit in a submodule", before: "git init -q ../SUB && git -C ../SUB commit -q --allow-empty -m s && git -c protocol.file.allow=always submodule --quiet add ../SUB sub && git commit -qm sub", cwd: "sub", line: "echo x > x && git add x && git commit -qm x && git log --oneline | wc -l", profile: "workspace", out: "2\n" },
  { name: "git bisect run", before: "for i in 1 2 3 4 5; do echo $i > n; git add n; git commit -qm n$i; done", line: "git bisect start HEAD HEAD~4 >/dev/null && git bisect run sh -c 'test $(cat n) -lt 3' 2>/dev/null | grep -o 'is the first bad commit'; git bisect reset >/dev/null 2>&1", profile: "workspace", out: "is the first bad commit\n" },
  { name: "git diff | git apply", before: "echo more >> README", line: "git diff > /tmp/change.patch && git checkout -q README && git apply /tmp/change.patch && git status --short", profile: "workspace", out: " M README\n" },
  { name: "git format-patch and git am", before: `${TOPIC}`, line: "git format-patch -q -1 topic -o patches && git am -q patches/*.patch && git log -1 --format=%s", profile: "workspace", out: "topic\n" },
  { name: "git clone of a local repository", line: "git clone -q . copy && git -C copy log --oneline | wc -l", profile: "workspace", out: "1\n" },
  { name: "git clean of what is ignored, dry", before: "echo out/ > .gitignore; mkdir out; touch out/x", line: "git clean -ndX", profile: "read-only", out: "Would remove out/\n" },
  { name: "git grep, ls-files, archive", line: "git grep -c hello; git ls-files; git archive HEAD | tar -t", profile: "workspace", out: "README:1\nREADME\nREADME\n" },
  { name: "git gc and fsck", line: "git gc -q && git fsck --no-progress && git count-objects -v | grep packs", profile: "workspace", out: "packs: 1\n" },
  { name: "git push to a local bare repository", before: "git init -q --bare remote.git && git remote add origin ./remote.git", line: "git push -q origin main && git ls-remote origin | wc -l", profile: "workspace", out: "1\n", yes: "person", network: "any" },
];
