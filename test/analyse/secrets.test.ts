import { describe, expect, test } from "vitest";
import { judge, words } from "./judge.ts";

/** Credentials that nobody named: below a directory that is read whole, in a variable that is shown, in a file that is run. */
const found = (line: string): string => words(judge(line)).filter((word) => word.startsWith("secret")).join(" | ");

describe("a directory that is read with all below it", () => {
  test.each([
    ["grep -r password ~", "secret /h"], ["grep -Rl x ~/", "secret /h"], ["grep -rn x /", "secret /"], ["grep -rf words ~/.config", "secret /h/.config"], ["rg --hidden x ~", "secret /h"], ["rg -uu x ~", "secret /h"], ["tar cf x.tar ~", "secret /h"], ["tar czf - ~ | cat", "secret /h"], ["tar -c -f x.tar -C / h", "secret /h"],
    ["cp -r ~ copy", "secret /h"], ["cp -a ~/. copy", "secret /h"], ["rsync -a ~/ copy/", "secret /h"], ["zip -r x.zip ~", "secret /h"], ["diff -r ~ copy", "secret /h"], ["scp -r ~ example.org:", "secret /h"], ["cd ~ && grep -r x .", "secret /h"], ["python3 -m http.server --directory ~", "secret /h"], ["cd ~; python3 -m http.server 8000", "secret /h"],
  ])("%s", (line, wanted) => expect(found(line)).toContain(wanted));
  test.each(["grep -r x .", "grep x ~/notes.md", "rg x ~", "tar cf x.tar src", "tar xf x.tar -C ~", "cp a ~", "cp -r src ~/copy", "cp -r ~/pictures copy", "find ~ -name x", "ls -R ~", "rsync -a src/ ~/copy/", "diff -r a b", "python3 -m http.server 8000", "grep -r x /usr/include"])("%s", (line) => expect(found(line)).toBe(""));
});

describe("a variable that is shown", () => {
  test.each(["echo $DEPLOY_TOKEN", 'printf "%s\\n" "${AWS_SECRET_ACCESS_KEY}"', 'echo "key: ${API_KEY:0:4}"', "echo ${DB_PASSWORD:-none}", "printenv GITHUB_TOKEN", "declare -p NPM_TOKEN", "echo $GITHUB_TOKEN | base64"])("%s", (line) => expect(found(line)).toBe("secret $"));
  test.each(["echo $HOME $TOKENS_USED", "echo ${#API_KEY}", "echo ${API_KEY:+is set}", "API_KEY=x; echo $API_KEY", "for TOKEN in a b; do echo $TOKEN; done", '[ -n "$API_KEY" ] && echo yes', "echo '$API_KEY'", "echo $KEYBOARD"])("%s", (line) => expect(found(line)).toBe(""));
});

test.each(["bash ~/.ssh/id_rsa", "awk -f ~/.aws/credentials", "sed -f .env x", "python3 ~/.netrc", "sh < ~/.ssh/id_rsa", "awk '{print}' ~/.aws/credentials", "xargs -a ~/.netrc echo"])("%s reads what it runs or works on", (line) => expect(found(line)).not.toBe(""));

describe("credentials that go into a file that is kept as credentials", () => {
  test.each(["cat k.key c.crt > both.pem", "cat .env > .env.bak", "cp .env .env.local", "cp k.key old.key", "cat .env > a.key 2>&1"])("%s", (line) => expect(found(line)).toBe(""));
  test.each(["cat .env > notes.txt", "cat .env > .env.example", "cat ~/.ssh/id_rsa > k.pem", "cat .env > /tmp/a.key", "cat .env | tee b.key", "cp .env notes", "cat .env 2> a.key", "cat .env > a.key; cat a.key", "grep x .env > a.key", "cp ~/.aws/credentials a.key"])("%s shows them, or takes them from elsewhere", (line) => expect(found(line)).not.toBe(""));
});

describe("somebody else's home directory holds them where this one does", () => {
  test.each(["cat /home/other/.aws/credentials", "cat /home/third/.ssh/config", "cat /root/.netrc", "tar c /home/other/.gnupg", "cat /home/other/.bash_history", "gcc @/etc/shadow", "echo /etc/shadow | cpio -o", "find . -name '*.env*' -exec cat {} +", "octave --eval 'x(\"/etc/shadow\")'", "ls ~/.ssh/* | xargs cat"])("%s", (line) => expect(found(line)).not.toBe(""));
  test.each(["cat /home/other/notes.md", "ls /home/other/.ssh", "cat /home/other/.ssh/known_hosts", "git commit -m 'never read /etc/shadow'", "echo /etc/shadow"])("%s", (line) => expect(found(line)).toBe(""));
});
