import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { type Ip, parseIp } from "../core/ip.ts";
import { GoodLogins } from "./good-logins.ts";

const dayMs = 86_400_000;

function ip(text: string): Ip {
  const parsed = parseIp(text);
  ok(parsed !== undefined);
  return parsed;
}

test("accounts count at the address of their last login, and no longer than they are known", () => {
  const good = new GoodLogins(30 * dayMs);
  for (let n = 0; n < 5; n++) good.see(ip("192.0.2.7"), `u${n}`, 0);
  good.see(ip("192.0.2.8"), "other", 0);
  strictEqual(good.accountsAt(ip("192.0.2.7"), 1, 9), 0);
  strictEqual(good.accountsAt(ip("192.0.2.7"), 1, 5), 5);
  strictEqual(good.accountsAt(ip("192.0.2.7"), 1, 2), 2);
  good.see(ip("192.0.2.8"), "u0", 1);
  strictEqual(good.accountsAt(ip("192.0.2.7"), 2, 4), 4);
  strictEqual(good.accountsAt(ip("192.0.2.7"), 2, 5), 0);
  strictEqual(good.accountsAt(ip("192.0.2.8"), 2, 2), 2);
  strictEqual(good.knows(ip("192.0.2.200"), "u0", 2), true);
  strictEqual(good.accountsAt(ip("192.0.2.8"), 31 * dayMs, 1), 0);
  strictEqual(good.knows(ip("192.0.2.7"), "u0", 31 * dayMs), false);
});

test("a login is told with its network and its address, and again when it says something new", () => {
  const good = new GoodLogins(30 * dayMs);
  const first = { network: "192.0.2.0/24", account: "ann", address: "192.0.2.7", at: 5 };
  deepStrictEqual(good.see(ip("192.0.2.7"), "ann", 5), first);
  strictEqual(good.see(ip("192.0.2.7"), "ann", 3_600_000), undefined);
  deepStrictEqual(good.see(ip("192.0.2.7"), "ann", 3_600_005), { ...first, at: 3_600_005 });
  deepStrictEqual(good.see(ip("192.0.2.8"), "ann", 6), { ...first, address: "192.0.2.8", at: 6 });
  const other = { network: "2001:db8:1::/48", account: "ann", address: "2001:db8:1:2::/64", at: 7 };
  deepStrictEqual(good.see(ip("2001:db8:1:2::3"), "ann", 7), other);
  strictEqual(good.see(ip("2001:db8:1:2::4"), "ann", 8), undefined);
});

test("what was restored is known as if it had been seen", () => {
  const good = new GoodLogins(30 * dayMs);
  for (const account of ["ann", "bob", "cyd"])
    good.restore({ network: "2001:db8:1::/48", account, address: "2001:db8:1:2::/64", at: 5 });
  strictEqual(good.knows(ip("2001:db8:1:ffff::1"), "bob", 6), true);
  strictEqual(good.knows(ip("2001:db8:2::1"), "bob", 6), false);
  strictEqual(good.accountsAt(ip("2001:db8:1:2::9"), 6, 3), 3);
});

test("of more pairs than are kept those are forgotten that were quiet longest", () => {
  const good = new GoodLogins(30 * dayMs);
  const from = (n: number) => ip(`10.${n >> 14}.${(n >> 6) & 255}.${n & 63}`);
  for (let n = 0; n < 200_000; n++) good.see(from(n), `u${n % 777}`, n);
  strictEqual(good.see(from(0), "u0", dayMs)?.at, dayMs);
  for (let n = 200_000; n < 200_100; n++) good.see(from(n), `u${n % 777}`, dayMs);
  const known = (n: number) => good.knows(from(n), `u${n % 777}`, dayMs);
  deepStrictEqual([0, 1, 100, 101, 199_999, 200_099].map(known), [true, false, false, true, true, true]);
  deepStrictEqual(
    [1, 100, 101].map((n) => good.accountsAt(from(n), dayMs, 1)),
    [0, 0, 1],
  );
});
