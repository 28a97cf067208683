#!/bin/sh
# Fetches the coding agent of the end-to-end test into build/agents, at the version and checksum of test/agents/pinned.
# 180 MB on disk. Idempotent. Prints the path of the program.
#
# exit: 0 there · 1 could not be fetched (says why) · 2 there is none for this machine
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
pinned=$root/test/agents/pinned
target=$root/build/agents
program=$target/node_modules/opencode-linux-x64-baseline/bin/opencode

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
	printf 'fetch-agents: no agent is pinned for %s\nhint: the end-to-end test runs on Linux x86-64\n' "$(uname -s)-$(uname -m)" >&2
	exit 2
fi
if cmp -s "$pinned/package-lock.json" "$target/package-lock.json" && [ -x "$program" ] && [ -f "$target/complete" ]; then
	printf '%s\n' "$program"
	exit 0
fi

mkdir -p "$target"
rm -f "$target/complete"
cp "$pinned/package.json" "$pinned/package-lock.json" "$target/"
# Nothing of the package runs while it is installed. The checksum in the lockfile is npm's to check.
if ! output=$(npm ci --prefix "$target" --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=3000 --fetch-timeout=60000 2>&1); then
	printf '%s\n' "$output" >&2
	printf 'fetch-agents: npm could not fetch the agent\nhint: is the registry reachable? (`npm ping`, `npm config get registry`)\n' >&2
	exit 1
fi
[ -x "$program" ] || {
	printf 'fetch-agents: `%s` is not there after npm ci\nhint: remove `%s` and run this again\n' "$program" "$target" >&2
	exit 1
}
: >"$target/complete"
printf '%s\n' "$program"
