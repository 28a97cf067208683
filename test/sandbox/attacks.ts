/** Ways out of a sandbox, as data. `took` asks the host what happened; scripts that can only report say TOOK themselves. */
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Box, Run } from "./box.ts";

export type Attack = {
  readonly name: string;
  readonly script: string;
  /** In: the box afterwards. Out: whether the attack worked. */
  readonly took: (box: Box, run: Run) => boolean;
  /**
   * Whether the same script works without a sandbox, which shows that the attack is real. "machine": where the machine and
   * the person can do it at all. "no": it would disturb the machine.
   */
  readonly bare: "yes" | "machine" | "no";
};

const said = (_: Box, run: Run): boolean => run.out.includes("TOOK");
const made = (name: string) => (box: Box): boolean => existsSync(join(box.base, name));
const text = (box: Box, name: string): string => (existsSync(join(box.base, name)) ? readFileSync(join(box.base, name), "utf8") : "(gone)");
const changed = (name: string, original: string) => (box: Box): boolean => text(box, name) !== original;
const leaks = (_: Box, run: Run): boolean => run.out.includes("PRIVATE");
const planted = (name: string) => (box: Box): boolean => text(box, name).includes("evil");

const yes = (name: string, script: string, took: Attack["took"]): Attack => ({ name, script, took, bare: "yes" });

export const ATTACKS: readonly Attack[] = [
  // Writing outside.
  yes("a new file outside", "echo x > $O/new", made("outside/new")),
  yes("appending outside", "echo x >> $O/file", changed("outside/file", "theirs\n")),
  yes("removing outside", "rm -f $O/file", changed("outside/file", "theirs\n")),
  yes("moving from outside into the workspace", "mv $O/file $W/stolen", changed("outside/file", "theirs\n")),
  yes("truncating outside", "truncate -s 0 $O/file", changed("outside/file", "theirs\n")),
  yes("chmod outside", "chmod 777 $O/script.sh", (box) => (statSync(join(box.outside, "script.sh")).mode & 0o777) === 0o777),
  yes("touching times outside", "touch -d 2001-01-01 $O/file", (box) => statSync(join(box.outside, "file")).mtime.getFullYear() === 2001),
  yes("a directory outside", "mkdir $O/dir", made("outside/dir")),
  yes("through a symbolic link", "ln -s $O $W/link; echo x > $W/link/new", made("outside/new")),
  yes("through a hard link made inside", "ln $O/script.sh $W/hard && echo evil >> $W/hard", planted("outside/script.sh")),
  yes("through ..", "cd $W/vendor; echo x > ../../../outside/new", made("outside/new")),
  yes("through /proc/self/root", "echo x > /proc/self/root$O/new", made("outside/new")),
  yes("through /proc/self/cwd", "echo x > /proc/self/cwd/../../outside/new", made("outside/new")),
  yes("through an inherited descriptor", "cd /proc/self/fd/3 && echo x > new", made("outside/new")),
  yes("a path below an inherited descriptor", "echo x > /dev/fd/3/new", made("outside/new")),
  yes("the shell start-up file", "echo evil >> $H/.bashrc", planted("home/.bashrc")),
  yes("a new file beside the workspace", "echo x > $H/new", made("home/new")),
  yes("moving the workspace away", "cd /; mv $W $W.2 && mkdir $W", made("home/project.2")),
  yes("vetsh's rules", "echo evil >> $R/rules/rules.toml", planted("root/rules/rules.toml")),
  yes("vetsh's journal", "echo evil >> $R/state/journal; echo evil > $R/state/new", (box) => text(box, "root/state/journal").includes("evil") || existsSync(join(box.root, "state/new"))),
  yes("files of the host's /tmp", "echo x > $B/new", made("new")),
  // Planting what runs later.
  yes("a git hook", "echo evil > .git/hooks/pre-commit", planted("home/project/.git/hooks/pre-commit")),
  yes("a git hook as a link", "ln -s $W/README.md .git/hooks/pre-push", made("home/project/.git/hooks/pre-push")),
  yes("git configuration through git", "git config core.hooksPath /evil", planted("home/project/.git/config")),
  yes("git configuration in place", "echo '[core] fsmonitor = evil' >> .git/config", planted("home/project/.git/config")),
  yes("git configuration by replacing it", "cp .git/config c; echo '# evil' >> c; mv -f c .git/config", planted("home/project/.git/config")),
  yes("git attributes in .git/info", "echo evil > .git/info/attributes", planted("home/project/.git/info/attributes")),
  yes("moving .git and making another", "mv .git .git2; mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit", planted("home/project/.git/hooks/pre-commit")),
  yes("moving the hooks and making others", "mv .git/hooks .git/h2; mkdir .git/hooks; echo evil > .git/hooks/pre-commit", planted("home/project/.git/hooks/pre-commit")),
  yes("removing the hooks and making others", "rm -rf .git/hooks; mkdir .git/hooks; echo evil > .git/hooks/pre-commit", planted("home/project/.git/hooks/pre-commit")),
  yes("exchanging .git in one call", "mkdir -p new/hooks; echo evil > new/hooks/pre-commit; mv --exchange new .git 2>/dev/null || { mv .git old; mv new .git; }", planted("home/project/.git/hooks/pre-commit")),
  yes("a hook through /proc/self/root", "echo evil > /proc/self/root$W/.git/hooks/pre-commit", planted("home/project/.git/hooks/pre-commit")),
  yes("configuration of a submodule's git directory", "echo '# evil' >> .git/modules/sub/config", planted("home/project/.git/modules/sub/config")),
  yes("moving the git directories of submodules", "mv .git/modules m; mkdir -p .git/modules/sub; echo evil > .git/modules/sub/config", planted("home/project/.git/modules/sub/config")),
  yes("a hook of a nested repository", "echo evil > vendor/lib/.git/hooks/post-checkout", planted("home/project/vendor/lib/.git/hooks/post-checkout")),
  yes("moving a nested repository", "mv vendor v; mkdir -p vendor/lib/.git/hooks; echo evil > vendor/lib/.git/hooks/post-checkout", planted("home/project/vendor/lib/.git/hooks/post-checkout")),
  yes("a hook in the directory that the configuration names", "echo evil > tools/hooks/pre-commit", planted("home/project/tools/hooks/pre-commit")),
  yes("moving the directory that the configuration names", "mv tools t; mkdir -p tools/hooks; echo evil > tools/hooks/pre-commit", planted("home/project/tools/hooks/pre-commit")),
  yes("configuration that the configuration includes", "echo evil >> shared.gitconfig", planted("home/project/shared.gitconfig")),
  yes("editor tasks", "echo evil > .vscode/tasks.json", planted("home/project/.vscode/tasks.json")),
  yes("a hook of husky", "echo evil >> .husky/pre-commit", planted("home/project/.husky/pre-commit")),
  yes("direnv", "echo evil >> .envrc", planted("home/project/.envrc")),
  yes("direnv by replacing it", "sed -i s/A/evil/ .envrc", planted("home/project/.envrc")),
  yes("agent servers by replacing the file", "echo evil > t; mv -f t .mcp.json", planted("home/project/.mcp.json")),
  yes("a workflow", "echo evil > .github/workflows/new.yml", made("home/project/.github/workflows/new.yml")),
  yes("moving .github and making another", "mv .github g; mkdir -p .github/workflows; echo evil > .github/workflows/ci.yml", planted("home/project/.github/workflows/ci.yml")),
  // Undoing the sandbox.
  { name: "unmounting what protects the hooks", script: "umount $W/.git/hooks && echo evil > .git/hooks/pre-commit", took: planted("home/project/.git/hooks/pre-commit"), bare: "no" },
  { name: "remounting / writable", script: "mount -o remount,rw,bind / && echo x > $O/new", took: made("outside/new"), bare: "no" },
  { name: "mounting over a directory", script: "mount -t tmpfs none $W/vendor && echo TOOK", took: said, bare: "no" },
  { name: "a user namespace of its own", script: "unshare -Ur true && echo TOOK", took: said, bare: "machine" },
  { name: "a mount namespace of its own", script: "unshare -Urm umount $W/.git/hooks && echo TOOK; unshare -m true && echo TOOK", took: said, bare: "machine" },
  { name: "bubblewrap inside", script: "bwrap --ro-bind / / --unshare-user true && echo TOOK", took: said, bare: "machine" },
  { name: "joining the namespaces of process 1", script: "nsenter -t 1 -m true && echo TOOK", took: said, bare: "machine" },
  { name: "a block device of its own", script: "mknod $W/disk b 7 250 && echo TOOK", took: said, bare: "machine" },
  { name: "block devices of the host", script: "find /dev -type b | grep -q . && echo TOOK", took: said, bare: "no" },
  { name: "kernel settings (core_pattern)", script: "f=/proc/sys/kernel/core_pattern; v=$(cat $f); { printf %s \"$v\" > $f; } && echo TOOK", took: said, bare: "machine" },
  { name: "any file of /proc/sys", script: "find /proc/sys -type f -writable 2>/dev/null | grep -q . && echo TOOK", took: said, bare: "machine" },
  { name: "sysrq", script: "{ : >> /proc/sysrq-trigger; } && echo TOOK", took: said, bare: "machine" },
  { name: "any file of /sys", script: "find /sys -maxdepth 3 -type f -writable 2>/dev/null | while read -r f; do { : >> $f; } 2>/dev/null && echo TOOK && break; done", took: said, bare: "machine" },
  { name: "capabilities", script: "grep -q 'CapEff:.*[1-9a-f]' /proc/self/status && echo TOOK", took: said, bare: "machine" },
  { name: "gaining privileges by set-user-id", script: "grep -q 'NoNewPrivs:.*0' /proc/self/status && echo TOOK", took: said, bare: "yes" },
  { name: "keys of the session (keyctl)", script: `perl -e 'print "TOOK" if syscall(250, 0, -3, 0) >= 0'`, took: said, bare: "machine" },
  { name: "io_uring, which no filter of calls sees into", script: `perl -e '$b = "\\0" x 120; print "TOOK" if syscall(425, 1, $b) >= 0'`, took: said, bare: "machine" },
  { name: "the memory of process 1", script: "exec 4<> /proc/1/mem && echo TOOK", took: said, bare: "no" },
  { name: "sockets of the machine's services", script: "find /run/ /var/run/ -type s 2>/dev/null | grep -q . && echo TOOK", took: said, bare: "machine" },
  // Races: the last turn of the loop wins where nothing stops it.
  yes("a link that is exchanged while it is written through", "for i in 1 2 3 4 5 6 7 8; do ln -sfn $W/vendor l; echo x > l/new; ln -sfn $O l; echo x > l/new; done", made("outside/new")),
  yes("a directory that becomes a link to the hooks", "for i in 1 2 3 4; do rm -rf d; mkdir d; echo evil > d/pre-commit; rm -rf d; ln -s .git/hooks d; echo evil > d/pre-commit; done", planted("home/project/.git/hooks/pre-commit")),
  yes("a second name of a hook, made in a loop", "for i in 1 2 3 4; do ln -f .git/hooks/pre-commit.sample h; echo evil >> h; done", planted("home/project/.git/hooks/pre-commit.sample")),
  // Reading secrets.
  yes("ssh keys", "cat $H/.ssh/*; cat $H/.ssh/id_test", leaks),
  yes("ssh keys after chmod", "chmod 755 $H/.ssh; cat $H/.ssh/id_test", leaks),
  yes("ssh keys through /proc", "cat /proc/1/root$H/.ssh/id_test /proc/self/root$H/.ssh/id_test", leaks),
  yes("ssh keys in an archive", "tar c -C $H .ssh .config .netrc .gnupg", leaks),
  yes("ssh keys through a link", "ln -s $H/.ssh s; cat s/id_test", leaks),
  yes("ssh keys through a hard link", "ln $H/.ssh/id_test k; cat k", leaks),
  yes("netrc", "cat $H/.netrc", leaks),
  yes("moving netrc", "mv $H/.netrc $W/n; cat $W/n", leaks),
  yes("tokens of gh", "cat $H/.config/gh/hosts.yml", leaks),
  yes("keys of gpg", "cat $H/.gnupg/private", leaks),
  yes("vetsh's journal, read", "cat $R/state/journal", leaks),
  { name: "the password database", script: "grep -q '^root:' /etc/shadow && echo TOOK", took: said, bare: "machine" },
  yes("secrets in the environment", "env; cat /proc/self/environ", leaks),
  { name: "secrets in the environment of process 1", script: "cat /proc/1/environ", took: leaks, bare: "no" },
  // Processes of the host.
  yes("killing a process of the host", "kill $PID && echo TOOK", said),
  yes("seeing a process of the host", "kill -0 $PID && echo TOOK; grep -q VICTIM /proc/$PID/environ && echo TOOK", said),
  yes("the root of a process of the host", "echo x > /proc/$PID/root$O/new", made("outside/new")),
  yes("renicing a process of the host", "renice -n 5 -p $PID && echo TOOK", said),
  { name: "tracing a process of the host", script: `perl -e 'print "TOOK" if syscall(101, 16, ${"$"}ENV{PID}+0, 0, 0) == 0'`, took: said, bare: "no" },
  // The network and sockets.
  yes("a listener of the host over TCP", "echo evil > /dev/tcp/127.0.0.1/$TCP && echo TOOK", said),
  yes("a listener of the host over UDP", "for i in 1 2 3; do echo evil > /dev/udp/127.0.0.1/$UDP; done; sleep 0.1", (box) => existsSync(join(box.base, "udp"))),
  { name: "a route to anywhere", script: "tail -n +2 /proc/net/route | grep -q . && echo TOOK; ls /sys/class/net | grep -qv '^lo$' && echo x; tail -n +3 /proc/net/dev | grep -qv 'lo:' && echo TOOK", took: said, bare: "no" },
  yes("an abstract socket of the host", `perl -e 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); print "TOOK" if connect(S, pack_sockaddr_un("\\0vetsh-test-$$ENV{TCP}") )' 2>/dev/null; perl -e 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); print "TOOK" if connect(S, pack("Sa*", PF_UNIX, "\\0vetsh-test-" . $ENV{TCP}))'`, said),
  yes("the human's socket", connectTo("$ENV{R}/run/human/control.sock"), said),
  yes("a socket of an agent in the home directory", connectTo("$ENV{H}/.gnupg/S.gpg-agent"), said),
  yes("a socket in the host's /tmp", connectTo("$ENV{B}/agent.sock"), said),
];

/** Perl is part of every Debian; bash cannot connect to unix sockets. */
export function connectTo(path: string): string {
  return `perl -e 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); print "TOOK" if connect(S, pack_sockaddr_un("${path}"))'`;
}

/** What a read-only sandbox must refuse beside the above. */
export const READ_ONLY_ATTACKS: readonly Attack[] = [
  yes("writing in the workspace", "echo x > $W/new", made("home/project/new")),
  yes("removing in the workspace", "rm -f $W/README.md", changed("home/project/README.md", "hello\n")),
  yes("committing", "git commit -q --allow-empty -m x && echo TOOK", said),
  { name: "writing in /tmp", script: "echo x > /tmp/new && echo TOOK", took: (box, run) => said(box, run) || existsSync(join(box.root, "state/tmp/session/new")), bare: "no" },
  { name: "writing in /var/tmp or /run", script: "for d in /var/tmp /run; do echo x > $d/new && echo TOOK; done", took: said, bare: "no" },
  yes("reaching a listener of the host", "echo evil > /dev/tcp/127.0.0.1/$TCP && echo TOOK", said),
];

/** Out: names in a directory of the box, for messages. */
export function names(box: Box, name: string): readonly string[] {
  return readdirSync(join(box.base, name));
}
