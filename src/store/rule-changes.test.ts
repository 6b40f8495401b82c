import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeOrder, movedNames } from "./rule-changes.ts";

const cases: readonly {
  readonly file: string;
  readonly stored: string;
  readonly order: string;
  readonly moved: string;
}[] = [
  { file: "abc", stored: "", order: "abc", moved: "" },
  { file: "b", stored: "abc", order: "abc", moved: "" },
  { file: "xb", stored: "abc", order: "axbc", moved: "" },
  { file: "ca", stored: "abc", order: "cab", moved: "cab" },
  { file: "", stored: "ab", order: "ab", moved: "" },
];

for (const { file, stored, order, moved } of cases) {
  test(`the file "${file}" over "${stored}" gives "${order}"`, () => {
    assert.equal(mergeOrder([...file], [...stored], false).join(""), order);
    assert.equal([...movedNames([...stored], [...order])].join(""), moved);
  });
}

const names = fc.uniqueArray(fc.constantFrom(..."abcdefgh"));

test("merging keeps the file's order, loses nobody, and does nothing the second time", () => {
  fc.assert(
    fc.property(names, names, (file, stored) => {
      const once = mergeOrder(file, stored, false);
      assert.deepEqual(
        once.filter((name) => file.includes(name)),
        file,
      );
      assert.deepEqual(new Set(once), new Set([...file, ...stored]));
      assert.equal(once.length, new Set(once).size);
      assert.deepEqual(mergeOrder(file, once, false), once);
      assert.equal(movedNames(once, once).size, 0);
      assert.deepEqual(mergeOrder(file, stored, true), file);
    }),
  );
});
