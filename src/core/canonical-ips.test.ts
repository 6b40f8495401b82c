import { strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { CanonicalIps } from "./canonical-ips.ts";

test("an address has one text, whatever was seen before and however often", () => {
  const ips = new CanonicalIps();
  for (let round = 0; round < 3; round++) {
    strictEqual(ips.find("192.0.2.7"), "192.0.2.7");
    strictEqual(ips.find("::ffff:192.0.2.7"), "192.0.2.7");
    strictEqual(ips.find("2001:DB8:0::1"), "2001:db8::1");
    strictEqual(ips.find("192.0.2.07"), undefined);
    for (let n = 0; n < 11_000; n++) ips.find(`10.0.${n >> 8}.${n & 255}`);
  }
});
