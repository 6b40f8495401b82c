import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { matchesGlob, parseGlob } from "./glob.ts";

test("a glob matches what the same regular expression matches", () => {
  const glob = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 7 });
  const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 9 });
  fc.assert(
    fc.property(glob, text, (pattern, name) => {
      const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name);
      assert.equal(matchesGlob(parseGlob(pattern), name), expected);
    }),
    { numRuns: 5_000 },
  );
});

test("many wildcards against a long name that nearly matches take no time to speak of", () => {
  const glob = parseGlob(`${"*a".repeat(500)}*b*c`);
  const started = performance.now();
  assert.equal(matchesGlob(glob, "a".repeat(60_000)), false);
  assert.ok(performance.now() - started < 1_000);
});
