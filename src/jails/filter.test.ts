import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { GuardedFilter } from "./filter.ts";

test("a pattern without end is interrupted, and left alone after the third time", () => {
  const endless = /^(?:a+)+$/;
  const filter = new GuardedFilter<string>({ see: (line) => (endless.test(line) ? line : undefined) }, 300);
  const attack = `${"a".repeat(60)}b`;
  deepStrictEqual(filter.see("aaa"), { kind: "failure", failure: "aaa" });
  deepStrictEqual(filter.see("b"), { kind: "nothing" });
  deepStrictEqual(filter.see(attack), { kind: "interrupted", quarantined: false });
  deepStrictEqual(filter.see("aaa"), { kind: "failure", failure: "aaa" });
  deepStrictEqual(filter.see(attack), { kind: "interrupted", quarantined: false });
  deepStrictEqual(filter.see(attack), { kind: "interrupted", quarantined: true });
  deepStrictEqual(filter.see("aaa"), { kind: "quarantined" });
  ok(filter.quarantined);
});

test("a fault of the engine is no timeout", () => {
  const filter = new GuardedFilter<string>({
    see: () => {
      throw new TypeError("broken");
    },
  });
  let caught: unknown;
  try {
    filter.see("x");
  } catch (error) {
    caught = error;
  }
  ok(caught instanceof TypeError);
  strictEqual(filter.quarantined, false);
});
