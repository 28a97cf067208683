import { describe, expect, test } from "vitest";
import { specialOf } from "../../src/network/address.ts";
import { compileHosts } from "../../src/network/index.ts";
import { canonicalHost, readAuthority, showTarget } from "../../src/network/target.ts";

describe("one spelling", () => {
  test.each<[string, string | undefined]>([
    ["Example.ORG", "example.org"], ["example.org.", "example.org"], ["example.org..", undefined], ["", undefined], [".", undefined],
    ["bücher.example", "xn--bcher-kva.example"], ["BÜCHER.example", "xn--bcher-kva.example"], ["ex\u3002example", "ex.example"], ["my_host.example", "my_host.example"], ["-x.example", undefined],
    ["127.0.0.1", "127.0.0.1"], ["127.1", "127.0.0.1"], ["2130706433", "127.0.0.1"], ["0x7f.1", "127.0.0.1"], ["0177.0.0.1", "127.0.0.1"], ["127.0.0.1.", "127.0.0.1"], ["1.2.3.4.5", undefined], ["999.1.1.1", undefined], ["0x", "0.0.0.0"], ["a.0x7f", undefined],
    ["[::1]", "::1"], ["::1", "::1"], ["[0:0::1]", "::1"], ["[FE80::1]", "fe80::1"], ["[fe80::1%eth0]", undefined], ["fe80::1%1", undefined], ["[::ffff:127.0.0.1]", "::ffff:7f00:1"], ["[]", undefined], ["[1.2.3.4]", undefined],
    ["a b", undefined], ["a\0b", undefined], ["a/b", undefined], ["a\\b", undefined], ["a@b", undefined], ["a\nb", undefined], ["*.example", undefined], ["x".repeat(254), undefined],
  ])("%j is %j", (text, host) => {
    expect(canonicalHost(text)).toBe(host);
  });

  test.each<[string, number | undefined, string | undefined]>([
    ["a.example:443", undefined, "a.example:443"], ["a.example", undefined, undefined], ["a.example", 80, "a.example:80"], ["[::1]:443", undefined, "[::1]:443"], ["[::1]", 80, "[::1]:80"], ["::1:443", undefined, undefined],
    ["a.example:0", undefined, undefined], ["a.example:65536", undefined, undefined], ["a.example:", 80, undefined], ["a.example:+1", undefined, undefined], ["a.example:00443", undefined, "a.example:443"], ["u@a.example:443", undefined, undefined], ["u:p@a.example:443", undefined, undefined],
    ["a.example:443/x", undefined, undefined], ["http://a.example:443", undefined, undefined], ["", 80, undefined], [":80", undefined, undefined], [" a.example:1", undefined, undefined], ["a.example:1 ", undefined, undefined],
  ])("%j with port %j is %j", (text, otherwise, shown) => {
    const target = readAuthority(text, otherwise);
    expect(target === undefined ? undefined : showTarget(target)).toBe(shown);
  });
});

describe("what is listed", () => {
  test.each<[readonly string[], string, "allowed" | "unlisted"]>([
    [["a.example"], "a.example:443", "allowed"], [["a.example"], "a.example:22", "allowed"], [["a.example"], "b.a.example:443", "unlisted"], [["a.example"], "xa.example:443", "unlisted"], [["a.example"], "a.example.evil.example:443", "unlisted"],
    [["A.Example."], "a.example:443", "allowed"], [["bücher.example"], "xn--bcher-kva.example:1", "allowed"],
    [["*.example"], "a.example:443", "allowed"], [["*.a.example"], "c.b.a.example:1", "allowed"], [["*.a.example"], "a.example:1", "unlisted"], [["*.a.example"], "xa.example:1", "unlisted"],
    [["a.example:8443"], "a.example:8443", "allowed"], [["a.example:8443"], "a.example:443", "unlisted"], [["*.a.example:8443"], "x.a.example:8443", "allowed"], [["*.a.example:8443"], "x.a.example:1", "unlisted"],
    [[], "a.example:443", "unlisted"], [["*"], "a.example:443", "unlisted"], [["*.*"], "a.example:443", "unlisted"], [["*."], "a.example:1", "unlisted"], [["http://a.example"], "a.example:80", "unlisted"], [["a.example/x"], "a.example:80", "unlisted"],
    [["*.1"], "127.0.0.1:80", "unlisted"], [["*.0.0.1"], "127.0.0.1:80", "unlisted"], [["10.1.2.3"], "10.1.2.3:80", "allowed"], [["10.1.2.3:81"], "10.1.2.3:80", "unlisted"], [["10.1.2.3:81"], "10.1.2.3:81", "allowed"], [["10.0.0.0/8"], "10.9.9.9:80", "allowed"], [["10.0.0.0/8"], "11.0.0.1:80", "unlisted"],
    [["10.0.0.0/33"], "10.0.0.0:80", "unlisted"], [["[fd00::1]"], "[fd00::1]:80", "allowed"], [["[fd00::1]:81"], "[fd00::1]:80", "unlisted"], [["[fd00::1]:81"], "[fd00::1]:81", "allowed"], [["fd00::/8"], "[fd12::1]:1", "allowed"], [["127.0.0.1"], "[::ffff:127.0.0.1]:1", "allowed"],
  ])("%j and %s: %s", (entries, target, verdict) => {
    const read = readAuthority(target, undefined);
    expect(read).toBeDefined();
    if (read !== undefined) expect(compileHosts(entries).permits(read)).toBe(verdict);
  });

  test("what is denied is not reached, whatever allows it", () => {
    const list = compileHosts(["*.a.example", "10.0.0.0/8"], ["secret.a.example", "10.0.0.0/24", "*.x.a.example:22"]);
    const look = (text: string): string => list.permits(readAuthority(text, undefined) ?? { host: "", port: 0 });
    expect([look("b.a.example:1"), look("secret.a.example:1"), look("SECRET.a.example.:1"), look("10.0.0.9:1"), look("10.0.1.9:1"), look("y.x.a.example:22"), look("y.x.a.example:23")]).toEqual(["allowed", "denied", "denied", "denied", "allowed", "denied", "allowed"]);
    expect([list.names("10.0.1.1"), list.names("10.0.0.1"), list.names("192.168.0.1")]).toEqual([true, false, false]);
  });

  test("an address at one port is named at no other", () => {
    expect(compileHosts(["10.1.2.3:81"]).names("10.1.2.3")).toBe(false);
  });
});

test.each<[string, ReturnType<typeof specialOf>]>([
  ["127.0.0.1", "loopback"], ["127.255.0.1", "loopback"], ["0.0.0.0", "loopback"], ["::1", "loopback"], ["::", "loopback"], ["::ffff:127.0.0.1", "loopback"], ["::ffff:7f00:1", "loopback"], ["64:ff9b::7f00:1", "loopback"], ["::127.0.0.1", "loopback"],
  ["169.254.169.254", "metadata"], ["::ffff:169.254.169.254", "metadata"], ["fd00:ec2::254", "metadata"], ["100.100.100.200", "metadata"], ["169.254.1.1", "link-local"], ["fe80::1", "link-local"],
  ["10.0.0.1", "private"], ["172.16.0.1", "private"], ["172.31.255.255", "private"], ["172.32.0.1", undefined], ["192.168.1.1", "private"], ["100.64.0.1", "private"], ["fd12:3456::1", "private"],
  ["224.0.0.1", "reserved"], ["255.255.255.255", "reserved"], ["192.0.2.1", "reserved"], ["2002:7f00:1::", "reserved"], ["2001:0:1::1", "reserved"], ["2001:db8::1", "reserved"], ["ff02::1", "reserved"], ["64:ff9b:1::1", "reserved"],
  ["8.8.8.8", undefined], ["2606:4700::1111", undefined], ["64:ff9b::808:808", undefined], ["::ffff:8.8.8.8", undefined],
])("%s is %s", (address, kind) => {
  expect(specialOf(address)).toBe(kind);
});
