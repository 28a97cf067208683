#!/bin/sh
# Fetches the coding agents of the end-to-end tests into build/agents, at the versions and checksums of test/agents/pinned.
# 0.9 GB on disk. Idempotent; a second run waits for the first. Prints the directory.
#
# exit: 0 there · 1 could not be fetched (says why) · 2 there are none for this machine
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
pinned=$root/test/agents/pinned
target=$root/build/agents

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
	printf 'fetch-agents: no agents are pinned for %s\nhint: the end-to-end tests run on Linux x86-64\n' "$(uname -s)-$(uname -m)" >&2
	exit 2
fi
mkdir -p "$target"
exec 9>"$target/lock"
flock 9
if cmp -s "$pinned/package-lock.json" "$target/package-lock.json" && cmp -s "$pinned/archives" "$target/complete"; then
	printf '%s\n' "$target"
	exit 0
fi

rm -f "$target/complete"
cp "$pinned/package.json" "$pinned/package-lock.json" "$target/"
fail() {
	printf '%s\nfetch-agents: npm could not fetch the agents\nhint: is the registry reachable? (`npm ping`, `npm config get registry`)\n' "$1" >&2
	exit 1
}
patience="--fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=3000 --fetch-timeout=60000"
# Nothing of the packages runs while they are installed. The checksums in the lockfile are npm's to check.
output=$(npm ci --prefix "$target" --ignore-scripts --omit=optional --no-audit --no-fund $patience 2>&1) || fail "$output"
while read -r name package sum; do
	case $name in '#') continue ;; esac
	output=$(cd "$target" && npm pack "$package" --silent $patience 2>&1) || fail "$output"
	archive=$target/$(printf '%s\n' "$output" | tail -n 1)
	[ "$(sha512sum "$archive" | cut -d ' ' -f 1)" = "$sum" ] || fail "\`$package\` is not what it was"
	rm -rf "${target:?}/$name"
	mkdir "$target/$name"
	tar -xzf "$archive" -C "$target/$name" --strip-components=1
	rm -f "$archive"
done <"$pinned/archives"
cp "$pinned/archives" "$target/complete"
printf '%s\n' "$target"
