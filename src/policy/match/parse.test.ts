// parseSpec with whatever a person or an old database may hold.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ParsedSpec, parseSpec } from "./parse.ts";

const runs = process.env.POSTVARTA_FULL === "1" ? 1_000_000 : 50_000;

test("parseSpec never throws, refuses with a mend, and reads its own items again as the same", () => {
  const side = fc.constantFrom("source", "destination", "group");
  fc.assert(
    fc.property(texts(), side, (text, where) => {
      const spec = parseSpec(text, where);
      if (!spec.ok) {
        assert.ok(spec.message.length > 0 && spec.hint.length > 0);
        assert.ok(isOneLine(spec.message + spec.hint), JSON.stringify(spec));
      } else if (spec.expression.kind === "all") {
        const printed = spec.expression.items.map((item) => item.text).join(",");
        const again: ParsedSpec = { ...spec, warnings: [] };
        assert.deepEqual(parseSpec(printed, where), again);
      }
    }),
    { numRuns: runs },
  );
});

test("the case of addresses, hosts, logins and words does not matter", () => {
  fc.assert(
    fc.property(texts(), (text) => {
      const lower = text.toLowerCase();
      if (/[%]|context:/.test(lower) || lower.toUpperCase().toLowerCase() !== lower) return;
      assert.deepEqual(meaning(parseSpec(lower.toUpperCase(), "source")), meaning(parseSpec(lower, "source")));
    }),
    { numRuns: runs / 10 },
  );
});

function meaning(spec: ParsedSpec): unknown {
  if (!spec.ok) return "refused";
  const { expression } = spec;
  return expression.kind === "all"
    ? expression.items.map(({ negated, pattern }) => ({ negated, pattern }))
    : expression.kind;
}

function isOneLine(text: string): boolean {
  return [...text].every((c) => c > "\u001f" && c !== "\u007f");
}

/** Pieces of the language, shuffled; sometimes any characters. */
function texts(): fc.Arbitrary<string> {
  const pieces = [
    ..."!%$@*[]/.,:- +",
    ...["any", "null", "192", "0.2", "/24", "300", "2001:db8::", "::1", "::ffff:", "fe80", "user", "example.org"],
    ...[
      "host",
      "name:",
      "ptr:",
      "port:",
      "context:",
      "tls:",
      "yes",
      "587",
      "xn--mnchen-3ya",
      "münchen",
      "ß",
      '"',
      "\t",
      "\n",
    ],
  ];
  const words = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((list) => list.join(""));
  return fc.oneof(
    { weight: 6, arbitrary: words },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  );
}
