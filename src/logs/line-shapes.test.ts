import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineShapes } from "./line-shapes.ts";

test("lines that differ in words, numbers, quotes and brackets are one shape with its first line", () => {
  const shapes = new LineShapes();
  for (const line of ["job 17 of [mx1] took 3.5s", "task 9 of [mail.example.org] took 12.25s", "17: other"])
    shapes.see(line);
  assert.deepEqual(
    shapes.list().map(({ count, sample }) => [count, sample]),
    [
      [2, "job 17 of [mx1] took 3.5s"],
      [1, "17: other"],
    ],
  );
});

test("however hostile the lines, shapes and their samples stay few and short, and none is lost from the count", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 400 }), { maxLength: 300 }), (lines) => {
      const shapes = new LineShapes();
      for (const line of lines) shapes.see(line);
      const list = shapes.list();
      assert.ok(list.length <= 50);
      assert.ok(list.every(({ shape, sample }) => shape.length <= 120 && sample.length <= 300));
      assert.equal(
        list.reduce((sum, { count }) => sum + count, shapes.others),
        lines.length,
      );
    }),
    { numRuns: 50 },
  );
});

test("a shape costs time by the length of its line, whatever is in it", () => {
  for (const unit of ["a", "a.", "[", '"', "a ", "0:", "<"]) {
    const shapes = new LineShapes();
    const line = unit.repeat(65_536 / unit.length);
    const begun = performance.now();
    for (let i = 0; i < 20; i++) shapes.see(line);
    assert.ok(performance.now() - begun < 2_000, unit);
  }
});

test("a flood of shapes that come once each keeps out none that comes often", () => {
  const shapes = new LineShapes();
  const odd = (n: number) => [...n.toString(2)].map((bit) => (bit === "1" ? "+" : "-")).join("=");
  for (let n = 0; n < 500; n++) shapes.see(odd(n));
  for (let n = 0; n < 500; n++) {
    shapes.see(`program ${n}: told`);
    shapes.see(odd(500 + n));
  }
  const [first] = shapes.list();
  assert.ok(first !== undefined && first.count > 490, JSON.stringify(first));
  assert.equal(
    shapes.list().reduce((sum, { count }) => sum + count, shapes.others),
    1_500,
  );
});
