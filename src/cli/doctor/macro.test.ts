import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { byLevel, expandMacros, macroName, splitFields, splitWords } from "./macro.ts";

const values: Readonly<Record<string, string>> = {
  a: "one",
  empty: "",
  nested: "<$a>",
  loop: "$loop",
  compatibility_level: "3.6",
};
const lookup = (name: string) => (Object.hasOwn(values, name) ? values[name] : undefined);

const expansions: readonly (readonly [string, string])[] = [
  ["$a ${a} $(a)", "one one one"],
  ["$nested.", "<one>."],
  ["$unknown|$loop|", "||"],
  ["$$a $", "$a $"],
  ["${a?yes} ${empty?yes} ${a:no} ${empty:no}", "yes   no"],
  ["${a?{$a!}:{no}} ${empty?{yes}:{no}}", "one! no"],
  ["${{$compatibility_level} <level {3.6} ? {no} : {yes}}", "yes"],
  ["${{$compatibility_level} <level {3.10} ? {no} : {yes}}", "no"],
  ["${{$a} == {one} ? {$a}}${{2} > {10} ? {x} : {y}}", "oney"],
  ["${{$a} != {one} ? {x}}${{b} >= {a} ? {x}}${{1} <= {1} ? {z}}", "xz"],
  ["${a", "one"],
];
for (const [text, expected] of expansions) {
  test(`${text} expands to ${expected}`, () => assert.equal(expandMacros(text, lookup), expected));
}

test("words end at blanks and commas outside braces, fields at blanks only", () => {
  assert.deepEqual(splitWords("a, b{ c, d } {x, {y z}},"), ["a", "b{ c, d }", "{x, {y z}}"]);
  assert.deepEqual(splitFields("-o a=b,c -o { d = e, f }"), ["-o", "a=b,c", "-o", "{ d = e, f }"]);
});

test("a word that is one macro has a name, and any other has none", () => {
  assert.deepEqual(["$a", "${ a }", "$(a)", "x$a", "${a?b}", "a"].map(macroName), [
    "a",
    "a",
    "a",
    undefined,
    undefined,
    undefined,
  ]);
});

test("levels are compared part by part, not as text", () => {
  assert.ok(byLevel("3.9.14", "3.10.13") < 0);
  assert.ok(byLevel("3.10", "3.9.14") > 0);
  assert.equal(byLevel("3.6", "3.6.0"), 0);
});

test("any text is expanded and split without an error and within bounds", () => {
  const text = fc.string({
    unit: fc.constantFrom("$", "{", "}", "(", ")", "?", ":", "a", "nested", "loop", " ", ",", "==", "<level"),
    maxLength: 60,
  });
  fc.assert(
    fc.property(text, (input) => {
      const expanded = expandMacros(input, lookup);
      assert.ok(expanded.length < 100_000);
      assert.equal(splitWords(input).join(""), splitWords(splitWords(input).join(" ")).join(""));
    }),
    { numRuns: 1_000 },
  );
});
