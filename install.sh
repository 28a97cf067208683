#!/bin/sh
# Installs vetsh for the user who runs this: below ~/.local, or below --prefix. Needs Linux, Node 20 or later, and npm.
# A compiler and bubblewrap are installed through apt-get when root runs this on Debian, else it says what to install.
# Nothing outside of the prefix is written: no shell start-up file, no service, no setting of an agent.
# Run it again to upgrade in place: the new version is built beside the old one, then the old broker is stopped and replaced.
#
# usage: ./install.sh [--prefix DIR] [--uninstall]        exit: 0 done, 1 not possible (says why and what to do), 2 usage
set -eu
umask 022
unset NODE_OPTIONS NODE_PATH BASH_ENV ENV CDPATH

say() { printf '%s\n' "$*"; }
fail() { # message, hint
	printf 'install: %s\nhint: %s\n' "$1" "$2" >&2
	exit 1
}
usage() {
	printf 'usage: ./install.sh [--prefix DIR] [--uninstall]\n'
}

user=$(id -u)
# The home of the password database is what the broker will go by; $HOME only says where ~/.local is.
passwd_home=$( (getent passwd "$user" || true) | cut -d: -f6)
home=${HOME:-$passwd_home}
[ -n "$passwd_home" ] && [ -d "$passwd_home" ] || passwd_home=$home

prefix=
action=install
while [ $# -gt 0 ]; do
	case $1 in
	--prefix) [ $# -ge 2 ] || { usage >&2; exit 2; }; prefix=$2; shift 2 ;;
	--prefix=*) prefix=${1#--prefix=}; shift ;;
	--uninstall) action=uninstall; shift ;;
	-h | --help) usage; exit 0 ;;
	*) printf 'install: `%s` is not an option\n' "$1" >&2; usage >&2; exit 2 ;;
	esac
done
if [ -z "$prefix" ]; then
	[ -n "$home" ] || fail "there is no home directory" "say where to install: ./install.sh --prefix DIR"
	prefix=$home/.local
fi
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
case $prefix in *[[:space:]\'\"\\\$\`:]*) fail "the prefix contains blanks or quotes" "choose another: ./install.sh --prefix DIR" ;; esac
here=$(cd "$(dirname "$0")" && pwd -P)

# --- taking away -----------------------------------------------------------------------------------------------------

# Ends the broker of this installation, found by the exact command line that vetsh-start gives it, one process at a time.
brokers() {
	for directory in /proc/[0-9]*; do
		[ -O "$directory" ] || continue
		line=$(tr '\0' ' ' 2>/dev/null <"$directory/cmdline") || continue
		case $line in "$root/bin/node $root/app/dist/broker/main.js "*) printf '%s\n' "${directory#/proc/}" ;; esac
	done
}
stop_broker() {
	for pid in $(brokers); do kill -TERM "$pid" 2>/dev/null || true; done
	waited=0
	while [ -n "$(brokers)" ] && [ "$waited" -lt 50 ]; do sleep 0.1; waited=$((waited + 1)); done
	for pid in $(brokers); do kill -KILL "$pid" 2>/dev/null || true; done
}

uninstall() {
	[ -d "$prefix" ] || { say "nothing is installed below $prefix"; exit 0; }
	prefix=$(cd "$prefix" && pwd -P)
	root=$prefix/lib/vetsh
	if [ ! -e "$root" ] && [ ! -e "$prefix/bin/vetsh" ]; then say "nothing is installed below $prefix"; exit 0; fi
	made=
	[ ! -f "$root/created" ] || made=$(cat "$root/created")
	stop_broker
	rm -rf "$root" "$prefix/lib/.vetsh-new"
	if [ -f "$prefix/bin/vetsh" ] && grep -q "^# vetsh: written by install.sh" "$prefix/bin/vetsh"; then rm -f "$prefix/bin/vetsh"; fi
	# Directories that the installer made go too, innermost first, when nothing else has come to live in them.
	printf '%s\n' "$made" | while IFS= read -r directory; do
		case $directory in /*) rmdir "$directory" 2>/dev/null || true ;; esac
	done
	say "vetsh is gone from $prefix"
	if [ -d "$passwd_home/.config/vetsh" ]; then say "your own rules and settings in $passwd_home/.config/vetsh were left as they are"; fi
	exit 0
}
[ "$action" = install ] || uninstall

# --- what the host must have -----------------------------------------------------------------------------------------

[ "$(uname -s)" = Linux ] || fail "vetsh runs on Linux, this is $(uname -s)" "use a Linux machine, container or virtual machine"
[ -f "$here/package-lock.json" ] && [ -d "$here/src" ] || fail "$here is not a checkout of vetsh" "run install.sh from where it lies in the checkout"
command -v node >/dev/null 2>&1 || fail "there is no node" "install Node 20 or later, with npm"
command -v npm >/dev/null 2>&1 || fail "there is no npm" "install npm (Debian: as root: apt-get install npm)"
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 20 ] || fail "node is $(node -v), too old to install with" "install Node 20 or later"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/vetsh-install.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# A static C program and a C++ shared object are what will be built.
can_compile() {
	command -v cc >/dev/null 2>&1 && command -v gcc >/dev/null 2>&1 && command -v make >/dev/null 2>&1 && command -v g++ >/dev/null 2>&1 || return 1
	printf 'int main(void) { return 0; }\n' >"$scratch/try.c"
	gcc -static -o "$scratch/try" "$scratch/try.c" 2>/dev/null || return 1
	printf '#include <string>\n#include <pty.h>\nstd::string f() { return "x"; }\n' >"$scratch/try.cc"
	g++ -shared -fPIC -o "$scratch/try.so" "$scratch/try.cc" 2>/dev/null
}
compiler_packages="gcc g++ make libc6-dev"
wanted=
# Where vetsh looks for it: never in a PATH, which may be an agent's.
has_bwrap() { [ -x /usr/bin/bwrap ] || [ -x /usr/local/bin/bwrap ] || [ -x /bin/bwrap ] || [ -x /run/current-system/sw/bin/bwrap ]; }
can_compile || wanted="$compiler_packages"
has_bwrap || wanted="$wanted bubblewrap"
if [ -n "$wanted" ] && [ "$user" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	say "installing$(printf ' %s' $wanted) (apt-get)"
	{
		DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
			DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends $wanted
	} >"$scratch/apt.log" 2>&1 </dev/null || tail -n 5 "$scratch/apt.log" >&2
fi
how="as root: apt-get install -y"
[ "$user" = 0 ] || how="ask somebody who is root: apt-get install -y"
can_compile || fail "there is no complete C and C++ compiler" "$how $compiler_packages   (then run this again)"
if ! has_bwrap; then
	say "bubblewrap is missing: vetsh works without it, but what would run in the sandbox is then reviewed or asked about instead"
	say "hint: $how bubblewrap"
fi
if [ "$home" != "$passwd_home" ]; then
	say "HOME is $home, the password database says $passwd_home: vetsh goes by the latter"
	say "hint: an agent that runs with another HOME than yours is asked about, or refused, where a shell would read start-up files from it"
fi

# --- building, beside what is there ------------------------------------------------------------------------------------

# Directories that do not exist yet are ours to remove again, innermost first.
created=
for directory in "$prefix" "$prefix/lib" "$prefix/bin"; do
	missing=
	each=$directory
	while [ ! -d "$each" ]; do missing="$missing$each
"; each=$(dirname "$each"); done
	mkdir -p "$directory" 2>/dev/null || fail "$directory cannot be made" "choose a prefix you may write to: ./install.sh --prefix DIR"
	[ -z "$missing" ] || created="$missing$created"
done
[ -w "$prefix/lib" ] && [ -w "$prefix/bin" ] || fail "$prefix cannot be written" "choose a prefix you may write to: ./install.sh --prefix DIR"
prefix=$(cd "$prefix" && pwd -P)
root=$prefix/lib/vetsh
stage=$prefix/lib/.vetsh-new
if [ -e "$prefix/bin/vetsh" ] && ! grep -q "^# vetsh: written by install.sh" "$prefix/bin/vetsh" 2>/dev/null; then
	fail "$prefix/bin/vetsh is something else" "remove it, or choose another prefix: ./install.sh --prefix DIR"
fi

step() { # title, command…: output is shown only when the command fails
	title=$1
	shift
	say "$title"
	"$@" >"$scratch/step.log" 2>&1 </dev/null && return 0
	tail -n 30 "$scratch/step.log" >&2
	fail "$title failed" "the messages above say why; nothing of an older installation was changed"
}

trap 'rm -rf "$scratch" "$stage"' EXIT
rm -rf "$stage"
mkdir -p "$stage/app"
for each in package.json package-lock.json tsconfig.json LICENSE README.md CHANGELOG.md src rules shims scripts; do
	[ ! -e "$here/$each" ] || cp -R "$here/$each" "$stage/app/"
done
cd "$stage/app"

# npm's own cache is used when there is one; otherwise a private one that goes away again.
[ -d "$home/.npm" ] && [ -w "$home/.npm" ] || { npm_config_cache=$scratch/npm; export npm_config_cache; }
npm_quiet="--ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error --logs-max=0"
step "fetching packages" npm ci $npm_quiet
node=
for each in node_modules/node-linux-*/bin/node; do
	[ ! -x "$each" ] || ! "$each" -e 0 2>/dev/null || node=$stage/app/$each
done
if [ -z "$node" ]; then
	[ "$major" -ge 24 ] || fail "the lockfile has no Node 24 that runs here ($(uname -m)), and the host's is $(node -v)" "install Node 24 and run this again"
	node=$(node -p process.execPath)
fi
step "building the broker and the command line" sh scripts/build.sh "$stage/app"
step "building the terminal addon" sh scripts/build-native.sh "$stage/app"
step "building the shims" make -C shims ROOT="$root" OUT="$stage"
step "leaving out what only builds" npm prune --omit=dev $npm_quiet
rm -rf src scripts shims tsconfig.json
mkdir -p "$stage/bin"
ln "$node" "$stage/bin/node" 2>/dev/null || cp "$node" "$stage/bin/node"
cd /

# --- the layout ----------------------------------------------------------------------------------------------------------

real() { # the real shell, from fixed places only
	for each in "/usr/bin/$1" "/bin/$1"; do [ ! -x "$each" ] || { printf '%s' "$each"; return; }; done
	printf '/usr/bin/%s' "$1"
}
[ -x "$(real bash)" ] && [ -x "$(real sh)" ] || fail "there is no /usr/bin/bash or /usr/bin/sh" "install bash"
config=$passwd_home/.config/vetsh
VETSH_LAYOUT=$stage/layout.json "$node" -e '
const [root, home, config, bash, sh, zsh, dash] = process.argv.slice(1);
const layout = { version: 1, root, home, config, managed: "/etc/vetsh", node: root + "/bin/node", app: root + "/app", shells: { bash, sh, zsh, dash } };
require("node:fs").writeFileSync(process.env.VETSH_LAYOUT, JSON.stringify(layout, null, 2) + "\n", { mode: 0o644 });
' -- "$root" "$passwd_home" "$config" "$(real bash)" "$(real sh)" "$(real zsh)" "$(real dash)"

# NODE_* would change how node runs our code; everything else is passed on, since `vetsh run` starts an agent with it.
cat >"$stage/bin/vetsh" <<END
#!/bin/sh
# vetsh: written by install.sh, taken away by install.sh --uninstall
unset NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE NODE_V8_COVERAGE
exec $root/bin/node $root/app/dist/cli/main.js "\$@"
END
chmod 755 "$stage/bin/vetsh"

# --- putting it in place ---------------------------------------------------------------------------------------------------

say "installing below $root"
stop_broker
mkdir -p "$root"
chmod 755 "$root"
[ -f "$root/created" ] || printf '%s' "$created" >"$root/created"
for each in app bin libexec shims layout.json; do
	rm -rf "$root/.old"
	[ ! -e "$root/$each" ] || mv "$root/$each" "$root/.old"
	mv "$stage/$each" "$root/$each"
	rm -rf "$root/.old"
done
for each in run state; do
	mkdir -p "$root/$each"
	chmod 700 "$root/$each"
done
cp "$root/bin/vetsh" "$prefix/bin/.vetsh-new"
mv -f "$prefix/bin/.vetsh-new" "$prefix/bin/vetsh"

# --- showing that it works ---------------------------------------------------------------------------------------------------

say ""
say "\$ $root/shims/bash -c 'echo hello from vetsh'"
greeting=$(cd / && "$root/shims/bash" -c 'echo hello from vetsh' </dev/null) || fail "the first command did not run through vetsh" "the broker's own words: $root/state/broker.log"
say "$greeting"
[ "$greeting" = "hello from vetsh" ] || fail "the first command printed something else" "the broker's own words: $root/state/broker.log"
say "\$ vetsh log --last 1"
# The record is written when the command has ended, a moment after its caller saw that.
recorded=
for attempt in 1 2 3 4 5 6 7 8 9 10; do
	recorded=$("$prefix/bin/vetsh" log --last 1 </dev/null) || break
	case $recorded in *"hello from vetsh"*) break ;; esac
	sleep 0.2
done
say "$recorded"
case $recorded in *"hello from vetsh"*) ;; *) false ;; esac || fail "the first command was not recorded" "the broker's own words: $root/state/broker.log"

say ""
say "vetsh is installed: $prefix/bin/vetsh"
case :$PATH: in *":$prefix/bin:"*) ;; *) say "hint: add $prefix/bin to your PATH" ;; esac
"$prefix/bin/vetsh" doctor >"$scratch/doctor" 2>&1 </dev/null || { say "vetsh doctor says:"; grep -v '^ok ' "$scratch/doctor"; }
cat <<END

Start your agent through it:
  Claude Code    vetsh run -- claude
  Gemini CLI     vetsh run -- gemini
  OpenCode       vetsh run -- opencode
  Qwen Code      vetsh run -- qwen
  Continue       vetsh run -- cn
  pi             vetsh run -- pi
  Codex          vetsh run -- codex --no-daemon
  Cline          vetsh run -- cline
  Aider, Goose   vetsh run -- aider, vetsh run -- goose   (not measured yet)
  anything else  eval "\$(vetsh env)" in the shell that starts it

Try a line without running it:   vetsh check -- 'git push --force'
Take everything away again:      ./install.sh --uninstall$([ "$prefix" = "$home/.local" ] || printf ' --prefix %s' "$prefix")
END
