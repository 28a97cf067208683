import { describe, expect, test } from "vitest";
import { LINES } from "./adversary-lines.ts";
import { judge, words } from "./judge.ts";

describe.each(Object.entries(LINES))("%s", (_name, rows) => {
  test.each(rows)("%s", (cmd, effect) => {
    expect(words(judge(cmd))).toContain(effect);
  });
});

/** What looks alike and does nothing of the kind: following it must not find more than there is. */
const HARMLESS: readonly (readonly [string, string])[] = [
  ["x=src; x=node_modules; rm -rf $x", "delete-tree node_modules"],
  ["x=node_modules; (x=src); rm -rf $x", "delete-tree node_modules"],
  ["x=node_modules; f() { local x=src; }; f; rm -rf $x", "delete-tree node_modules"],
  ["x=node_modules; x=src true; rm -rf $x", "delete-tree node_modules"],
  ["set -- src node_modules; shift; rm -rf \"$1\"", "delete-tree node_modules"],
  ["a=(src node_modules); rm -rf \"${a[1]}\"", "delete-tree node_modules"],
  ["a=(src); a+=(dist); a[0]=build; rm -rf \"${a[@]}\"", "delete-tree build | delete-tree dist"],
  ["f() { rm -rf src; }; f() { ls; }; f", ""],
  ["f() { rm -rf src; }; unset -f f; ls", ""],
  ["rm() { :; }; rm -rf src", ""],
  ["d=$(mktemp -d); trap 'rm -rf \"$d\"' EXIT; ls \"$d\"", "delete-tree /tmp/tmp.x0 | write /tmp"],
  ["case x in y) rm -rf src ;; esac", ""],
  ["case ab in [!a]*) rm -rf src ;; esac", ""],
  ["f() ( cd ~; ); f; rm a", "delete a"],
  ["(cd ~); rm a", "delete a"],
  ["cd ~ | true; rm a", "delete a"],
  ["while getopts ab x; do case $x in a) rm a ;; b) rm b ;; esac; done", "delete a | delete b"],
  ["declare -i n=5; n=n+1; echo $n", ""],
  ["x=3; y=x; echo $((y + 1))", ""],
  ["PATH=$PATH:./bin; ls", ""],
  ["diff <(sort a) <(sort b)", ""],
  ["echo 'echo hi' > x.sh; sh x.sh", "exec workspace | write x.sh"],
  ["echo hi > a; cat a | wc -l", "write a"],
  ["a=(rm -rf src); bash -c \"${a[*]}\"", "delete-tree src"],
  ["a=(rm -rf src); x=\"${a[*]}\"; $x", "delete-tree src"],
  ["f() { rm -rf \"$2\"; }; f s* dist", "delete-tree dist | delete-tree s*"],
  ["run() { \"$@\"; }; run ls *.ts", ""],
  ["a=(); rm -rf \"${a[@]}\"", ""],
  ["export A=1 B=2; sh -c 'echo $A'", ""],
];

describe("harmless twins", () => {
  test.each(HARMLESS)("%s", (cmd, expected) => {
    expect(words(judge(cmd)).filter((word) => !word.startsWith("read ")).join(" | ")).toBe(expected);
  });
});
