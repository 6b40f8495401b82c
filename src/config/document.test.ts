import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOf } from "../../tests/random.ts";
import { Problem } from "../core/problem.ts";
import { parseDocument } from "./document.ts";

const toml = `# a comment
name = "x"

[policy]
listen = [
  "a",
  "b",
]
"quoted key" = 1
deep.er = { in = true }

[[logs]]
path = "one"
[[logs]]
path = "two"
[logs.more]
x = 1979-05-27
`;

const json = `{
  "name": "x",
  "policy": {
    "listen": [
      "a",
      "b"
    ],
    "quoted key":
      1,
    "deep": { "er": { "in": true } } },
  "logs": [
    {"path": "one"},
    {"path": "two",
     "more": null}
  ]
}`;

const places: readonly (readonly [path: readonly (string | number)[], tomlLine: number, jsonLine: number])[] = [
  [[], 1, 1],
  [["name"], 2, 2],
  [["policy"], 4, 3],
  [["policy", "listen"], 5, 4],
  [["policy", "listen", 0], 6, 5],
  [["policy", "listen", 1], 7, 6],
  [["policy", "listen", 2], 5, 4],
  [["policy", "quoted key"], 9, 8],
  [["policy", "deep", "er", "in"], 10, 10],
  [["policy", "absent", "x"], 4, 3],
  [["logs"], 12, 11],
  [["logs", 0, "path"], 13, 12],
  [["logs", 1], 14, 13],
  [["logs", 1, "path"], 15, 13],
  [["logs", 1, "more"], 16, 14],
  [["absent"], 1, 1],
];

test("every key and item knows its line, and what is absent the line of what it is absent from", () => {
  const fromToml = parseDocument(toml, "c.toml");
  const fromJson = parseDocument(json, "c.json");
  for (const [path, tomlLine, jsonLine] of places) {
    assert.equal(fromToml.placeOf(path), `c.toml:${tomlLine}`, path.join("."));
    assert.equal(fromJson.placeOf(path), `c.json:${jsonLine}`, path.join("."));
  }
});

test("TOML and JSON of the same shape give the same value", () => {
  const value = (document: { value: unknown }) => JSON.parse(JSON.stringify(document.value));
  assert.deepEqual(value(parseDocument("a = [1, 2.5, { b = true }]\n[c]\nd = 'x'\n", "a.toml")), {
    a: [1, 2.5, { b: true }],
    c: { d: "x" },
  });
  assert.deepEqual(value(parseDocument('{"a":[1,2.5,{"b":true}],"c":{"d":"x"}}', "a.json")), {
    a: [1, 2.5, { b: true }],
    c: { d: "x" },
  });
});

test("a text that begins with a brace is JSON whatever its name, and a mark of byte order is no text", () => {
  assert.deepEqual(Object.keys(Object(parseDocument(' \n{"a": 1}', "stdin").value)), ["a"]);
  assert.deepEqual(Object.keys(Object(parseDocument("\uFEFFa = 1\r\nb = 2\r\n", "x.toml").value)), ["a", "b"]);
});

for (const [name, text, line] of [
  ["x.toml", "a = 1\na = 2", "x.toml:2: this key or table is given twice: give it once"],
  ["x.toml", "a = 1\n\nb = [1,\n", 'x.toml:3: a value is missing: text stands in quotes: key = "value"'],
  ["x.toml", "[a]\nb = \n", 'x.toml:2: a value is missing: text stands in quotes: key = "value"'],
  ["x.toml", "[a]\nmode = enforce\n", 'x.toml:2: this is not TOML: text stands in quotes: key = "value"'],
  ["x.toml", "a = 1\n[b\nc = 1", 'x.toml:2: the line ends too early: key = "value" or [table]'],
  ["x.toml", 'a = "', "x.toml:1: Unterminated string constant: valid TOML 1.0"],
  ["x.toml", `a = ${"[".repeat(50_000)}${"]".repeat(50_000)}`, "x.toml:1: nested too deep: at most 64 levels"],
  ["x.toml", `a = ${"[".repeat(100)}${"]".repeat(100)}`, "x.toml:1: nested too deep: at most 64 levels"],
  ["x.toml", `a = 1\nb${".b".repeat(100)} = 1`, "x.toml:2: nested too deep: at most 64 levels"],
  ["x.toml", `\n[b${".b".repeat(100)}]\nx = 1`, "x.toml:2: nested too deep: at most 64 levels"],
  ["x.json", '{"a": 1,\n "a": 2}', 'x.json:2: key "a" stands here twice: once'],
  ["x.json", '{"a": 1,\n}', "x.json:2: property name expected: valid JSON"],
  ["x.json", '{"a": 1 // no\n}', "x.json:1: invalid comment token: valid JSON"],
  ["x.json", '{"a": 1} x', "x.json:1: invalid symbol: valid JSON"],
  ["x.json", "[1]", 'x.json:1: the outermost value is not an object: { "key": … }'],
  ["x.json", "", "x.json:1: value expected: valid JSON"],
  ["x.json", '{"a":\n"\\ud800"}', "x.json:2: a text is not well-formed Unicode: valid JSON"],
  ["x.json", '{"\\ud800": 1}', "x.json:1: a key is not well-formed Unicode: valid JSON"],
  ["x.json", `{"a": ${"[".repeat(200_000)}`, "x.json:1: nested too deep: at most 64 levels"],
] as const) {
  test(`${JSON.stringify(text.slice(0, 30))} is refused with its line`, () => {
    assert.throws(() => parseDocument(text, name), { name: "Problem", code: "config/syntax", line });
  });
}

test("a text above the limit is refused before it is read", () => {
  const text = `a = "${"x".repeat(5_000_000)}"`;
  const where = { where: "x.toml:1" };
  assert.throws(() => parseDocument(text, "x.toml"), { ...where, hint: "at most 4096 KiB; as JSON up to 64 MiB" });
  assert.throws(() => parseDocument(text, "x.toml", 1024), { ...where, hint: "at most 1 KiB" });
  assert.doesNotThrow(() => parseDocument(`{"a": "${"x".repeat(5_000_000)}"}`, "x.json"));
});

test("names of the prototype are keys like any other", () => {
  for (const [name, text] of [
    ["x.toml", "__proto__ = 1\nconstructor.prototype.x = 2\n[toString]\n__proto__.y = 3"],
    ["x.json", '{"__proto__": 1, "constructor": {"prototype": {"x": 2}}, "toString": {"__proto__": {"y": 3}}}'],
  ] as const) {
    const { value } = parseDocument(text, name);
    assert.deepEqual(Object.keys(Object(value)), ["__proto__", "constructor", "toString"]);
    assert.equal(Object.getPrototypeOf(value), null);
    assert.equal(Reflect.get({}, "x"), undefined);
    assert.equal(Reflect.get({}, "y"), undefined);
  }
});

/** Whole numbers from 0 up to `below`, the same for the same seed. */
function numbersFrom(seed: number): (below: number) => number {
  const random = randomOf(seed);
  return (below) => Math.floor(random() * below);
}

const seeds: readonly (readonly [name: string, text: string])[] = [
  ["x.toml", toml],
  ["x.json", json],
  ["x.toml", '[[a]]\nb = [{ c = "%x", d = \'y\' }]\n[[a.e]]\nf = """\nz"""\ng = 0x1F\nh = inf\n'],
  ["x.toml", 'a.b."c" = [[], {}, [1, "\\u00e9"]]\n[d.e]\nf = 1979-05-27T07:32:00Z'],
  ["x.json", '{"a":[{"b":"\\u00e9\\n"},null,true,-1.5e3],"":{}}'],
];

const spice = [
  '"',
  "'",
  "[",
  "]",
  "{",
  "}",
  "=",
  ",",
  ".",
  "\n",
  "\r",
  "\0",
  "\\",
  "\ud800",
  "#",
  "//",
  '"""',
  "__proto__",
  "é",
];

function mutated(text: string, below: (n: number) => number): string {
  let result = text;
  for (let i = 0; i <= below(4); i++) {
    const at = below(result.length + 1);
    const cut = below(3) === 0 ? below(20) : below(2);
    const put =
      below(2) === 0 ? (spice[below(spice.length)] ?? "") : result.slice(below(result.length + 1)).slice(0, 8);
    result = result.slice(0, at) + put + result.slice(at + cut);
  }
  return result;
}

function randomText(below: (n: number) => number): string {
  return Array.from({ length: below(60) }, () => String.fromCharCode(below(8) === 0 ? below(65_536) : below(128))).join(
    "",
  );
}

test("whatever is read, a document or a Problem with a line comes out", { timeout: 900_000 }, () => {
  const rounds = process.env["POSTVARTA_FULL"] === "1" ? 1_000_000 : 20_000;
  const below = numbersFrom(20_261_124);
  let read = 0;
  for (let round = 0; round < rounds; round++) {
    const [name, seed] = seeds[below(seeds.length)] ?? ["x.toml", ""];
    const text = below(10) === 0 ? randomText(below) : mutated(seed, below);
    try {
      parseDocument(text, name);
      read++;
    } catch (error) {
      assert.ok(error instanceof Problem, `round ${round}: ${JSON.stringify(text)}: ${error}`);
      assert.match(error.where ?? "", /^x\.(toml|json):\d+$/);
    }
  }
  // Mutations that all break the text, or none, would test nothing.
  assert.ok(read > rounds / 50 && read < rounds * 0.9, `${read} of ${rounds} were readable`);
});
