import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Ip, type Network, networkOf, parseNetwork, printIp, widthOf } from "./ip.ts";
import { TrustList } from "./trust-list.ts";

function network(text: string): Network {
  const parsed = parseNetwork(text);
  assert.ok(parsed, text);
  return parsed;
}

const trusted = ["192.0.2.7", "198.51.100.0/24", "2001:db8:1::/48", "2001:db8:2::25"].map(network);
const list = new TrustList(trusted.map((entry) => ({ network: entry, why: "test" })));

const cases: readonly (readonly [ban: string, why: string | undefined])[] = [
  ["127.0.0.1", "loopback"],
  ["::1", "loopback"],
  ["0.0.0.0/0", "loopback"],
  ["::/0", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["192.0.2.7", "test"],
  ["::ffff:192.0.2.7", "test"],
  ["::ffff:192.0.2.0/120", "test"],
  ["192.0.2.0/24", "test"],
  ["192.0.2.8", undefined],
  ["203.0.113.9", undefined],
  ["2001:db8:1:2::3", "test"],
  ["2001:db8:3::/48", undefined],
];

test("a trusted address, a prefix around it and its mapped form are refused; others are not", () => {
  for (const [ban, why] of cases) assert.equal(list.find(network(ban), 0)?.why, why, ban);
});

test("trust for a while ends at its time", () => {
  const brief = new TrustList([{ network: network("203.0.113.9"), why: "unban", until: 1_000 }]);
  assert.equal(brief.find(network("203.0.113.9"), 999)?.why, "unban");
  assert.equal(brief.find(network("203.0.113.9"), 1_000), undefined);
});

/** The address inside `around` whose host bits are `noise`. */
function inside(around: Network, noise: readonly number[]): Ip {
  const host = (i: number) => {
    const bits = Math.min(32, Math.max(0, around.length - i * 32));
    const mask = bits === 0 ? 0xffffffff : bits === 32 ? 0 : 0xffffffff >>> bits;
    return (((around.ip.words[i] ?? 0) | ((noise[i] ?? 0) & mask)) >>> 0) as number;
  };
  const words = [host(0), host(1), host(2), host(3)] as const;
  return { family: around.ip.family, words: around.ip.family === 4 ? [words[0], 0, 0, 0] : words };
}

test("no prefix of any length around an address of a trusted network gets through, in 10 000 tries", () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  const noise = fc.tuple(word, word, word, word);
  const road = fc.tuple(fc.constantFrom(...trusted), noise, fc.nat(128), fc.boolean());
  fc.assert(
    fc.property(road, ([around, bits, cut, mapped]) => {
      const ip = inside(around, bits);
      const length = cut % (widthOf(ip) + 1);
      const plain = networkOf(ip, length);
      const form = mapped && ip.family === 4 ? network(`::ffff:${printIp(ip)}/${96 + length}`) : plain;
      assert.ok(list.find(form, 0));
    }),
    { numRuns: 10_000 },
  );
});
