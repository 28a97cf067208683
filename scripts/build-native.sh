#!/bin/sh
# Builds node-pty's native addon on Linux: one C++ file, compiled directly with g++ (or clang++).
# No node-gyp, no python, no network: the headers come from the packages node-api-headers and node-addon-api.
# Idempotent: does nothing when the addon is newer than its source and loads.
#
# usage: scripts/build-native.sh [DIRECTORY THAT HOLDS node_modules]     exit: 0 built or there, 1 not possible (says why)
set -eu

root=${1:-$(cd "$(dirname "$0")/.." && pwd)}
modules=$root/node_modules
package=$modules/node-pty
source=$package/src/unix/pty.cc
target=$package/build/Release/pty.node

fail() { # message, hint
	printf 'build-native: %s\nhint: %s\n' "$1" "$2" >&2
	exit 1
}

[ -f "$source" ] || fail "\`$package\` is not installed" "run \`npm ci\` in $root first"

node=$modules/.bin/node
[ -x "$node" ] || node=$(command -v node) || fail "there is no node" "run \`npm ci\` in $root first"

loads() { "$node" -e 'require(process.argv[1])' "$1" >/dev/null 2>&1; }

if [ -f "$target" ] && [ ! "$source" -nt "$target" ] && loads "$target"; then
	exit 0
fi
# A prebuilt addon that works is as good (node-pty ships them for some platforms, not for Linux).
if [ "$(uname -s)" != Linux ]; then
	loads "$package/lib/index.js" && exit 0
	fail "node-pty has no working addon here" "vetsh runs on Linux"
fi

api=$modules/node-api-headers/include
[ -f "$api/node_api.h" ] || fail "\`$modules/node-api-headers\` is not installed" "run \`npm ci --include=dev\` in $root"
wrapper=$package/node_modules/node-addon-api
[ -f "$wrapper/napi.h" ] || wrapper=$modules/node-addon-api
[ -f "$wrapper/napi.h" ] || fail "\`$modules/node-addon-api\` is not installed" "run \`npm ci --include=dev\` in $root"

compiler=
for candidate in ${CXX:-} g++ c++ clang++; do
	if command -v "$candidate" >/dev/null 2>&1; then compiler=$candidate; break; fi
done
[ -n "$compiler" ] || fail "there is no C++ compiler, and node-pty ships no Linux binary" \
	"as root: \`apt-get install g++\` (Debian, Ubuntu), \`dnf install gcc-c++\` (Fedora), \`apk add g++\` (Alpine); then run this again"

mkdir -p "$(dirname "$target")"
made=${target%.node}.$$.node
trap 'rm -f "$made"' EXIT
# The flags of node-pty's binding.gyp and of node-addon-api's except.gypi.
"$compiler" -std=gnu++17 -O2 -Wall -D_FORTIFY_SOURCE=2 -D_GNU_SOURCE -DNAPI_CPP_EXCEPTIONS -DBUILDING_NODE_EXTENSION \
	-fPIC -fexceptions -fvisibility=hidden -pthread -shared -Wl,-z,relro,-z,now \
	-isystem "$api" -isystem "$wrapper" \
	-o "$made" "$source" -lutil ||
	fail "compiling \`$source\` failed" "the messages above are the compiler's; a complete C++ tool chain is \`apt-get install g++\`"
loads "$made" || fail "the addon was built but does not load" "try \`$node -e 'require(\"$made\")'\` after removing the trap in $0"
mv -f "$made" "$target"
printf 'build-native: built %s\n' "$target"
