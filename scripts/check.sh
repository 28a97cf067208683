#!/bin/sh
# What can be said of the code without running it: types, lint, tidy. Each step must have looked at something.
set -u
cd "$(dirname "$0")/.." || exit 1
node=node_modules/.bin/node
[ -x "$node" ] || node=node
failed=0
"$node" node_modules/typescript/bin/tsc --noEmit -p . || failed=1
"$node" node_modules/typescript/bin/tsc -p test/tsconfig.json || failed=1
"$node" node_modules/oxlint/bin/oxlint --type-aware --deny-warnings src test scripts bench || failed=1
"$node" node_modules/vitest/vitest.mjs run test/tidy || failed=1
exit "$failed"
