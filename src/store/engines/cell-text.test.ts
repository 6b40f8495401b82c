import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseState, renderState } from "./cell-text.ts";

const cases: readonly [readonly number[], string][] = [
  [[], "p"],
  [[7], "p7"],
  [[0, 1_700_000_000_000, 1, 1_700_000_000_250, 2], "p0,1700000000000,1,250,1"],
  [[1, 1.5], "[1,1.5]"],
  [[0, Number.MIN_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER], "[0,-9007199254740991,1,9007199254740991]"],
];

for (const [state, text] of cases) {
  test(`[${state}] is written as ${text} and read back`, () => {
    assert.equal(renderState(state), text);
    assert.deepEqual(parseState(text), state);
  });
}

test("differences between neighbours, as older stores have them, are read", () => {
  assert.deepEqual(parseState("d1,6,1699999999993,250"), [1, 7, 1_700_000_000_000, 1_700_000_000_250]);
  assert.deepEqual(parseState("d"), []);
});

test("any state comes back as it was, and its text needs no escaping in JSON", () => {
  const number = fc
    .oneof(fc.maxSafeInteger(), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map((value) => value + 0);
  fc.assert(
    fc.property(fc.array(number, { maxLength: 70 }), (state) => {
      const text = renderState(state);
      assert.equal(JSON.stringify(text), `"${text}"`);
      assert.deepEqual(
        parseState(text).map((value) => value + 0),
        state,
      );
    }),
  );
});
