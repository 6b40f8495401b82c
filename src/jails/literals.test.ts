import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineRegex } from "./fail2ban/line-regex.ts";
import { parsePythonRegex } from "./fail2ban/python-regex/parse.ts";
import { LiteralScan } from "./literal-scan.ts";
import { anyOf, type Literal, literalsOf } from "./literals.ts";

const show = (literals: readonly Literal[] | undefined) =>
  literals?.map(({ text, ignoreCase }) => (ignoreCase ? `${text} (any case)` : text));

const cases: readonly (readonly [pattern: string, literals: readonly string[] | undefined])[] = [
  ["Connection rate limit exceeded: .* from (.*)", ["Connection rate limit exceeded:"]],
  [String.raw`reject: RCPT from (.*)\[x\]: .*: LIMIT AT QUOTAUSE;`, [" LIMIT AT QUOTAUSE;"]],
  // Without case, k and s may be other letters too.
  [
    String.raw`(?i): warning: [-._\w]+\[x\]: SASL (?:LOGIN|PLAIN) authentication failed(: x)?`,
    [" authentication failed (any case)"],
  ],
  ["(?:Failed|Invalid) x", ["Failed", "Invalid"]],
  ["(?:Failed|.*) user", [" user"]],
  ["(?:abcdef)?x", undefined],
  ["(?:abcdef)+x", ["abcdef"]],
  // A date between the brackets was cut out.
  [String.raw`^\[\] \[error\] no`, ["[error]"]],
  ["naïve text", ["ve text"]],
  [".*", undefined],
];

for (const [pattern, literals] of cases) {
  test(`${pattern} needs ${literals?.join(" or ") ?? "nothing"}`, () => {
    deepStrictEqual(show(literalsOf(parsePythonRegex(pattern))), literals);
  });
}

test("one pattern that needs nothing makes all of them need nothing", () => {
  strictEqual(anyOf([[{ text: "abcd", ignoreCase: false }], undefined]), undefined);
});

test("a scan finds what a search for each text finds", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "A", " "), minLength: 4, maxLength: 7 });
  const literal = fc.record({ text: letters, ignoreCase: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(literal, { minLength: 1, maxLength: 5 }),
      fc.string({ unit: fc.constantFrom("a", "b", "A", "B", " "), maxLength: 200 }),
      (drawn, hay) => {
        const literals = drawn.map(({ text, ignoreCase }) => ({
          text: ignoreCase ? text.toLowerCase() : text,
          ignoreCase,
        }));
        const found = new Set<string>();
        new LiteralScan(literals).scan(Buffer.from(hay), hay.length, (id, at) => found.add(`${id} ${at}`));
        const want = new Set<string>();
        for (const [id, { text, ignoreCase }] of literals.entries()) {
          const searched = ignoreCase ? hay.toLowerCase() : hay;
          for (let at = searched.indexOf(text); at >= 0; at = searched.indexOf(text, at + 1)) want.add(`${id} ${at}`);
        }
        deepStrictEqual([...found].sort(), [...want].sort());
      },
    ),
  );
});

test("a line that matches holds one of the literals", () => {
  const lines = [
    "mx postfix/smtpd[1]: warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
    "mx postfix/smtpd[1]: WARNING: unknown[192.0.2.1]: saſl login AUTHENTICATION FAILED",
    "mx postfix/smtpd[1]: warning: Connection rate limit exceeded: 31 from x[192.0.2.1] for service smtp",
  ];
  const patterns = [
    String.raw`(?i): warning: [-._\w]+\[[\d.]+\]: SASL (?:LOGIN|PLAIN) authentication failed`,
    "Connection rate limit exceeded: .* from .* for service smtp",
  ];
  let matched = 0;
  for (const pattern of patterns) {
    const regex = new LineRegex(pattern, { where: "" });
    const scan = new LiteralScan(literalsOf(parsePythonRegex(pattern)) ?? []);
    for (const line of lines) {
      if (regex.match(`${line}\n`, false) === undefined) continue;
      matched++;
      let found = 0;
      scan.scan(Buffer.from(line), Buffer.byteLength(line), () => found++);
      ok(found > 0, `${pattern}: ${line}`);
    }
  }
  ok(matched >= 2);
});
