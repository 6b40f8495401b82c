import { strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { GoodLogins } from "./good-logins.ts";

const dayMs = 86_400_000;

test("accounts count at the address of their last login, and no longer than they are known", () => {
  const good = new GoodLogins(30 * dayMs);
  for (let n = 0; n < 5; n++) good.see("192.0.2.7", `u${n}`, 0);
  good.see("192.0.2.8", "other", 0);
  strictEqual(good.accountsAt("192.0.2.7", 1, 9), 0);
  strictEqual(good.accountsAt("192.0.2.7", 1, 5), 5);
  strictEqual(good.accountsAt("192.0.2.7", 1, 2), 2);
  good.see("192.0.2.8", "u0", 1);
  strictEqual(good.accountsAt("192.0.2.7", 2, 4), 4);
  strictEqual(good.accountsAt("192.0.2.7", 2, 5), 0);
  strictEqual(good.accountsAt("192.0.2.8", 2, 2), 2);
  strictEqual(good.knows("192.0.2.200", "u0", 2), true);
  strictEqual(good.accountsAt("192.0.2.8", 31 * dayMs, 1), 0);
  strictEqual(good.knows("192.0.2.7", "u0", 31 * dayMs), false);
});
