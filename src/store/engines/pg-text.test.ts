import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeNul, numberArray, textArray, unescapeNul, withoutNul } from "./pg-text.ts";

const oddText = fc.string({ unit: fc.constantFrom("\0", "\x01", "\x02", "a", '"', "\\", ",", "{", "ü") });
const bytesOrder = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

test("a text with NUL comes back as it was, and keeps its place in the order and its prefixes", () => {
  fc.assert(
    fc.property(oddText, oddText, (a, b) => {
      assert.equal(unescapeNul(escapeNul(a)), a);
      assert.equal(escapeNul(a).includes("\0"), false);
      assert.equal(bytesOrder(escapeNul(a), escapeNul(b)), bytesOrder(a, b));
      assert.equal(escapeNul(a + b).startsWith(escapeNul(a)), true);
    }),
  );
});

test("arrays are written as PostgreSQL reads them", () => {
  assert.equal(textArray([]), "{}");
  assert.equal(textArray(["", "a,b", 'c"d', "e\\f", "null"]), '{"","a,b","c\\"d","e\\\\f","null"}');
  assert.equal(numberArray([1, -2, 9_007_199_254_740_991]), "{1,-2,9007199254740991}");
  assert.equal(withoutNul("a\0b"), "a\ufffdb");
});
