import { deepStrictEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import { parseIni } from "./ini.ts";

const texts: readonly (readonly [string, string, unknown])[] = [
  ["names in lower case, values after = or :", "[A]\nOne = 1\ntwo: 2", { A: { one: "1", two: "2" } }],
  ["sections with their case", "[A]\nx = 1\n[a]\nx = 2", { A: { x: "1" }, a: { x: "2" } }],
  ["a value over lines that are indented deeper", "[A]\nx = 1\n  2\n\t3\ny = 4", { A: { x: "1\n2\n3", y: "4" } }],
  ["empty lines within a value, but not at its end", "[A]\nx = 1\n\n  2\n\n", { A: { x: "1\n\n2" } }],
  ["comments of whole lines, in values too", "# a\n; b\n[A]\nx = 1\n# c\n  2\n  ; d\n  3", { A: { x: "1\n2\n3" } }],
  [
    "a comment behind a blank and ;, never behind #",
    "[A]\nx = 1 ; no\ny = a#b # c\nz = a;b",
    { A: { x: "1", y: "a#b # c", z: "a;b" } },
  ],
  ["what stands behind a section's name", "[A] ; x\nx = 1", { A: { x: "1" } }],
  ["a value without anything", "[A]\nx =\ny = 1", { A: { x: "", y: "1" } }],
  ["signs of separation within a value", "[A]\nx = a=b:c", { A: { x: "a=b:c" } }],
  ["a condition in a section's name", "[Init?family=inet6]\nx = 1", { "Init?family=inet6": { x: "1" } }],
  ["ends of lines of all systems, and a byte order mark", "\ufeff[A]\r\nx = 1\ry = 2\n", { A: { x: "1", y: "2" } }],
];

for (const [name, text, expected] of texts) {
  test(`INI has ${name}`, () => {
    const plain = [...parseIni(text, "f")].map(([section, options]) => [
      section,
      Object.fromEntries([...options].map(([option, value]) => [option, value.text])),
    ]);
    deepStrictEqual(Object.fromEntries(plain), expected);
  });
}

test("a value knows the line where its option stands", () => {
  deepStrictEqual(parseIni("[A]\n\nx = 1\n  2", "jail.conf").get("A")?.get("x")?.where, "jail.conf:3");
});

const mistakes: readonly (readonly [string, string, RegExp])[] = [
  ["a line before the first section", "x = 1", /f:1: a line before the first section/],
  ["an option without a value", "[A]\n\nword", /f:3: an option has no = or :/],
  ["the same section twice", "[A]\nx = 1\n[A]", /f:3: the section A stands twice/],
  ["the same option twice", "[A]\nx = 1\nX = 2", /f:3: the option x stands twice/],
];

for (const [name, text, line] of mistakes) {
  test(`${name} is a mistake with its place`, () =>
    throws(
      () => parseIni(text, "f"),
      (error: { line: string }) => line.test(error.line),
    ));
}
