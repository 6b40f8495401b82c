import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { distanceOf, nearest } from "./nearest.ts";

const known = ["mode", "listen", "on_error", "allow", "time_zone"];

for (const [word, meant] of [
  ["moed", "mode"],
  ["Mode", "mode"],
  ["lisen", "listen"],
  ["listenn", "listen"],
  ["onerror", "on_error"],
  ["timezone", "time_zone"],
  ["greylist", undefined],
  ["", undefined],
  ["x", undefined],
  ["x".repeat(100_000), undefined],
] as const) {
  test(`${word.slice(0, 20) || "an empty word"} means ${meant ?? "nothing known"}`, () => {
    assert.equal(nearest(word, known), meant);
  });
}

test("a swap of neighbours is one slip", () => assert.equal(distanceOf("moed", "mode"), 1));

test("distance is symmetric, nought for equal words only, and at most the longer length", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      assert.equal(distanceOf(a, b), distanceOf(b, a));
      assert.equal(distanceOf(a, b) === 0, a === b);
      assert.ok(distanceOf(a, b) <= Math.max(a.length, b.length));
    }),
  );
});
