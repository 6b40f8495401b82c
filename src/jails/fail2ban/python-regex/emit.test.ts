import { ok, strictEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import { RegexMistake } from "./ast.ts";
import { emitForV8 } from "./emit.ts";
import { parsePythonRegex } from "./parse.ts";

function compile(source: string, unicode: boolean, multiline = false): RegExp {
  const emitted = emitForV8(parsePythonRegex(source), { unicode, multiline });
  return new RegExp(emitted.source, emitted.flags);
}

const raw = String.raw;

/** [pattern, text, what Python matches or undefined] */
const cases: readonly (readonly [string, string, string | undefined])[] = [
  [raw`[^]]+`, "ab]c", "ab"],
  [raw`[]x]+`, "]x]", "]x]"],
  [raw`x{,2}y`, "xxxy", "xxy"],
  [raw`x{a}`, "x{a}", "x{a}"],
  [raw`a$`, "a\n", "a"],
  [raw`a\Z`, "a\n", undefined],
  [raw`a.b`, "a\rb", "a\rb"],
  [raw`a.b`, "a\nb", undefined],
  [raw`(?s)a.b`, "a\nb", "a\nb"],
  [raw`\Aab`, "ab", "ab"],
  [raw`(?P<q>['"])x(?P=q)`, `'x"'x'`, "'x'"],
  [raw`(["'])x\1`, `"x"`, `"x"`],
  [raw`(?i)straße`, "STRAßE", "STRAßE"],
  [raw`(?i:A)b`, "ab", "ab"],
  [raw`a(?#note)b`, "ab", "ab"],
  [raw`(?>a+)ab`, "aaab", undefined],
  [raw`a++b`, "aab", "aab"],
  [raw`^(?P<o>\()?\d+(?(o)\)|;)`, "(1)", "(1)"],
  [raw`^(?P<o>\()?\d+(?(o)\)|;)$`, "(1;", undefined],
  [raw`^(?P<o>\()?\d+(?(o)\)|;)`, "1;", "1;"],
  [raw`\s`, "\x1c", "\x1c"],
  [raw`\x41\t\101`, "A\tA", "A\tA"],
  [raw`[\w.-]+@`, "a-b.c@", "a-b.c@"],
  [raw`[--/]+`, "-./", "-./"],
  [raw`(?x) a b # end`, "ab", "ab"],
  [raw`\bab\b`, "x ab.", "ab"],
];

for (const unicode of [false, true]) {
  test(`patterns find what Python finds, ${unicode ? "Unicode" : "ASCII"} form`, () => {
    for (const [pattern, text, want] of cases) {
      if (!unicode && /[^\x00-\x7f]/.test(text)) continue;
      strictEqual(compile(pattern, unicode).exec(text)?.[0], want, `${pattern} on ${JSON.stringify(text)}`);
    }
  });
}

test("letters and digits of all scripts belong to the Unicode form", () => {
  strictEqual(compile(raw`^\w+$`, true).exec("пошта٣")?.[0], "пошта٣");
  strictEqual(compile(raw`\bпошта\b`, true).exec("(пошта)")?.[0], "пошта");
  strictEqual(compile(raw`^.$`, true).exec("📮")?.[0], "📮");
  strictEqual(compile(raw`^\s$`, true).exec("\ufeff"), null);
});

test("in several lines ^ and $ stand at line feeds alone", () => {
  strictEqual(compile(raw`^b$`, false, true).exec("a\nb\nc")?.[0], "b");
  strictEqual(compile(raw`^b$`, false, true).exec("a\rb\rc"), null);
});

test("what cannot run is refused with the construct's name", () => {
  const bad = [
    [raw`(?P<a>x)|(?P=a)`, /reference to the group a that may be unset/],
    [raw`(?P<a>x)(?P<a>y)`, /the group name a twice/],
    [raw`(x`, /not closed/],
    [raw`x)`, /unbalanced/],
    [raw`*x`, /nothing to repeat/],
    [raw`x**`, /repeat of a repeat/],
    [raw`[z-a]`, /bad range/],
    [raw`\q`, /the escape \\q/],
    [raw`a(?i)b`, /flags that do not stand at the start/],
    [raw`(?(x)a|b)`, /unknown group x/],
    ["(".repeat(200), /nested too deeply/],
  ] as const;
  for (const [pattern, message] of bad) {
    throws(
      () => compile(pattern, false),
      (error) => {
        ok(error instanceof RegexMistake, pattern);
        ok(message.test(error.message), `${pattern}: ${error.message}`);
        return true;
      },
    );
  }
});
