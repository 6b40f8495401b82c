import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDuration, printDuration } from "./duration.ts";

for (const [text, ms] of [
  ["1h", 3_600_000],
  ["30m", 1_800_000],
  ["90s", 90_000],
  ["1d", 86_400_000],
  ["2w", 1_209_600_000],
  ["1h30m", 5_400_000],
  ["1w2d3h4m5s6ms", 788_645_006],
  ["500ms", 500],
  ["90", 90_000],
  [90, 90_000],
  ["0", 0],
  ["0s", 0],
  ["", undefined],
  ["h", undefined],
  ["1", 1_000],
  ["1x", undefined],
  ["1H", undefined],
  ["1h ", undefined],
  ["1h 30m", undefined],
  ["30m1h", undefined],
  ["1h1h", undefined],
  ["-1h", undefined],
  ["+1h", undefined],
  ["1.5h", undefined],
  ["1e3", undefined],
  [1.5, undefined],
  [-1, undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  ["5215w", undefined],
  ["9999999999999w", undefined],
  ["٣s", undefined],
] as const) {
  test(`${JSON.stringify(text)} is ${ms ?? "no duration"}`, () => assert.equal(parseDuration(text), ms));
}

test("what is printed reads back equal", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_153_600_000_000 }), (ms) => {
      assert.equal(parseDuration(printDuration(ms)), ms);
    }),
  );
});

test("printing is short", () => {
  assert.equal(printDuration(5_400_000), "1h30m");
  assert.equal(printDuration(604_800_000), "1w");
  assert.equal(printDuration(0), "0");
});
