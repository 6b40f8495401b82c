import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { test } from "node:test";
import { parseNamed } from "./parameters.ts";
import { replaceRegexTags } from "./regex-tags.ts";
import { replaceTags } from "./tags.ts";

const raw = String.raw;
type Options = Readonly<Record<string, string>>;

function replaced(options: Options, rules: Partial<Parameters<typeof replaceTags>[1]> = {}): Options {
  const all = { find: () => undefined, where: "f:1", ...rules };
  return Object.fromEntries(replaceTags(new Map(Object.entries(options)), all));
}

const values: readonly (readonly [string, Options, string])[] = [
  ["the option of that name", { x: "<y> <y>", y: "1" }, "1 1"],
  ["an option that has tags itself", { x: "<y>", y: "<z>", z: "1" }, "1"],
  ["a tag within a tag, the inner one first", { x: "<mdre-<mode>>", mode: "more", "mdre-more": "1" }, "1"],
  ["nothing that it does not know", { x: "<HOST> <F-USER>" }, "<HOST> <F-USER>"],
  ["nothing with a blank in it", { x: "<a b>", "a b": "1" }, "<a b>"],
  ["a value as it is, with signs that mean something", { x: "<y>", y: "$& $1" }, "$& $1"],
];

for (const [name, options, expected] of values) {
  test(`a tag is replaced by ${name}`, () => strictEqual(replaced(options)["x"], expected));
}

test("a tag that is to stay stays, and a condition prefers its own value", () => {
  const options = { x: "<y> <ip>", y: "4", "y?family=inet6": "6", ip: "never" };
  const ignore = new Set(["ip"]);
  strictEqual(replaced(options, { ignore })["x"], "4 <ip>");
  strictEqual(replaced(options, { ignore, condition: "family=inet6" })["x"], "6 <ip>");
});

test("values from elsewhere come last", () => {
  const find = (tag: string) => ({ y: "far", z: "far" })[tag];
  strictEqual(replaced({ x: "<y> <z>", y: "near" }, { find })["x"], "near far");
});

for (const [name, options] of [
  ["itself", { x: "a<x>" }],
  ["another that comes back", { x: "<y>", y: "<x>" }],
] as const) {
  test(`an option that refers to ${name} is a mistake`, () => throws(() => replaced(options), /refers to itself by </));
}

const named: readonly (readonly [string, unknown])[] = [
  ["pf", [["pf", {}]]],
  [
    "a b\n  c",
    [
      ["a", {}],
      ["b", {}],
      ["c", {}],
    ],
  ],
  ["pf[port=25, name=x]", [["pf", { port: "25", name: "x" }]]],
  [`pf[name="a, b]", q='"']`, [["pf", { name: "a, b]", q: '"' }]]],
  ["pf[a=1][b=2]", [["pf", { a: "1", b: "2" }]]],
  ["pf[a?family=inet6=6]", [["pf", { "a?family=inet6": "6" }]]],
  [
    'pf[a="1",\n   b="2"]\n  mail[to=x]',
    [
      ["pf", { a: "1", b: "2" }],
      ["mail", { to: "x" }],
    ],
  ],
];

for (const [text, expected] of named) {
  test(`${JSON.stringify(text)} is taken apart`, () =>
    deepStrictEqual(
      parseNamed(text, "f:1").map(({ name, parameters }) => [name, Object.fromEntries(parameters)]),
      expected,
    ));
}

for (const text of ["pf[", "pf[port]", "pf[port=1", 'pf[a="1" b=2]', "[a=1]", "pf]"]) {
  test(`${text} is not of the form`, () => throws(() => parseNamed(text, "f:1"), /is not of the form/));
}

const regexTags: readonly (readonly [string, string])[] = [
  ["<F-USER>.*</F-USER>", "(?P<user>.*)"],
  ["</F-USER>", "</F-USER>"],
  ["<F-ID>x</F-ID> <F-ID/>", raw`(?P<fid>x) (?P<fid>\S+)`],
  ["<F-PORT/> <CIDR>", raw`(?P<fport>\w+) (?P<cidr>\d+)`],
  ["<F-ALT_USER1>a</F-ALT_USER1>", "(?P<alt_user1>a)"],
  ["a<SKIPLINES>b<SKIPLINES>c", raw`a\n(?P<skiplines0>(?:(?:.*\n)*?))b\n(?P<skiplines1>(?:(?:.*\n)*?))c`],
  ["<_daemon> <mode>", "<_daemon> <mode>"],
  ["((?i)x) (?:(?i)y)", "(?i:x) (?i:y)"],
];

for (const [text, expected] of regexTags) {
  test(`${text} becomes Python's`, () => strictEqual(replaceRegexTags(text, { names: true }), expected));
}
