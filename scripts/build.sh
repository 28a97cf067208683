#!/bin/sh
# Compiles src to dist, and the rules to the form that the broker loads quickly.   usage: scripts/build.sh [DIRECTORY]
set -eu
cd "${1:-$(dirname "$0")/..}"
node=node_modules/.bin/node
[ -x "$node" ] || node=node
rm -rf dist
"$node" node_modules/typescript/bin/tsc -p .
"$node" scripts/bundle.ts
if [ -f scripts/compile-rules.ts ]; then "$node" scripts/compile-rules.ts; fi
