import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEvidence, printEvidence } from "./ticket.ts";

test("what the row of a ban keeps comes back: how the count grew, and its last lines", () => {
  const curve = [
    { at: 1_000, count: 1, line: "first" },
    { at: 2_000, count: 2 },
    { at: 3_000, count: 3, line: "third" },
  ];
  const text = printEvidence({ jail: "sasl", id: "192.0.2.1", at: 3_000, reason: "", curve, bantimeMs: 1 });
  assert.deepEqual(parseEvidence(text), {
    curve: curve.map(({ at, count }) => ({ at, count })),
    lines: ["first", "third"],
  });
});

const nothing = { curve: [], lines: [] };
const odd = [
  { text: "", shown: nothing },
  { text: "no JSON", shown: nothing },
  { text: "null", shown: nothing },
  { text: '["a line"]', shown: nothing },
  { text: '{"lines":["a",7,null],"curve":"none"}', shown: { curve: [], lines: ["a"] } },
  {
    text: '{"curve":[[1,2],[1],["a",2],[1e300,2],[3,2.4]]}',
    shown: { curve: [1, 3].map((at) => ({ at, count: 2 })), lines: [] },
  },
] as const;

for (const { text, shown } of odd) {
  test(`evidence ${JSON.stringify(text)} shows what can be read of it`, () => {
    assert.deepEqual(parseEvidence(text), shown);
  });
}
