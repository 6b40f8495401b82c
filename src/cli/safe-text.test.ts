import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { safeText } from "./safe-text.ts";

test("what moves, hides or turns is shown as a code, everything else as it is", () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ["olena@example.org", "olena@example.org"],
    ["пошта\u0301 @ 日本", "пошта\u0301 @ 日本"],
    ["a\u001b[2Jb", "a\\u{1b}[2Jb"],
    ["a\r\nb\tc", "a\\u{d}\\u{a}b\\u{9}c"],
    ["\u009b31m", "\\u{9b}31m"],
    ["txt.\u202egpj", "txt.\\u{202e}gpj"],
    ["a\u200bb\ufeff", "a\\u{200b}b\\u{feff}"],
    ["x\u{e0041}", "x\\u{e0041}"],
    ["half \ud800 pair", "half \\u{d800} pair"],
  ];
  for (const [text, shown] of cases) assert.equal(safeText(text), shown);
});

test("no text leaves a control character on the line", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(safeText(text))),
  );
});
