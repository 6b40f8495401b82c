import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { algorithmOf } from "./algorithms/index.ts";
import type { CellLimit, CellState } from "./cell.ts";
import { mergeStates } from "./cell-merge.ts";
import type { Algorithm } from "./rules.ts";

const t0 = 1_700_000_000_000;
const runs = process.env["POSTVARTA_FULL"] === "1" ? 20_000 : 500;

interface Step {
  readonly gap: number;
  readonly amount: number;
}

const stepsArb = fc.array(
  fc.record({ gap: fc.integer({ min: 0, max: 2_000 }), amount: fc.integer({ min: 1, max: 5 }) }),
  {
    maxLength: 12,
  },
);

function charge(state: CellState | undefined, limit: CellLimit, from: number, steps: readonly Step[]) {
  const algorithm = algorithmOf(limit.algorithm);
  let at = from;
  let total = 0;
  for (const { gap, amount } of steps) {
    at += gap;
    const admission = algorithm.admit(state, limit, { at, amount, force: true });
    state = admission.state;
    total += amount;
  }
  return { state, total };
}

for (const [algorithm, max] of [
  ["sliding", 30],
  ["sliding", 5_000],
  ["fixed", 5_000],
] as const satisfies readonly (readonly [Algorithm, number])[]) {
  test(`${algorithm} to ${max}: the merged counter holds the charges of both sides, each once`, () => {
    const limit: CellLimit = { algorithm, max, periodMs: 3_600_000 };
    fc.assert(
      fc.property(stepsArb, stepsArb, stepsArb, (before, ours, others) => {
        const base = charge(undefined, limit, t0, before);
        const mine = charge(base.state, limit, t0 + 60_000, ours);
        const theirs = charge(base.state, limit, t0 + 60_000, others);
        if (mine.state === undefined) return;
        const merged = mergeStates({ base: base.state, mine: mine.state, theirs: theirs.state, since: t0 + 60_000 });
        const used = algorithmOf(algorithm).used(merged, limit, t0 + 200_000);
        assert.equal(used, base.total + mine.total + theirs.total);
      }),
      { numRuns: runs },
    );
  });
}

test("charges given back on one side are gone from the merged counter", () => {
  const limit: CellLimit = { algorithm: "sliding", max: 10, periodMs: 3_600_000 };
  const { admit, giveBack, used } = algorithmOf("sliding");
  const base = admit(undefined, limit, { at: t0, amount: 3 }).state ?? [];
  const mine = giveBack(base, limit, { at: t0, amount: 3 }, t0 + 1);
  const theirs = admit(base, limit, { at: t0 + 5, amount: 2 }).state;
  assert.equal(used(mergeStates({ base, mine, theirs, since: t0 }), limit, t0 + 10), 2);
});

test("where nobody else charged, mine stands, whatever its layout", () => {
  for (const state of [
    [0, 1, 2],
    [1, 5, 5],
    [2, 99, 7],
    [3, 1, 1],
    [4, 2.5, 9],
    [6, 12],
    [77, 1],
  ]) {
    const mine = [...state.slice(0, -1), 1_000];
    assert.equal(mergeStates({ base: state, mine, theirs: [...state], since: 0 }), mine);
    assert.equal(mergeStates({ base: undefined, mine, theirs: undefined, since: 0 }), mine);
  }
});

test("gcra and decaying counters are never emptier than either side's charges make them", () => {
  const limit: CellLimit = { algorithm: "gcra", max: 100, periodMs: 3_600_000 };
  const gcra = algorithmOf("gcra");
  const base = charge(undefined, limit, t0, [{ gap: 0, amount: 10 }]).state;
  const mine = charge(base, limit, t0 + 10, [{ gap: 0, amount: 5 }]).state ?? [];
  const theirs = charge(base, limit, t0 + 10, [{ gap: 0, amount: 7 }]).state;
  const both = gcra.used(mergeStates({ base, mine, theirs, since: t0 + 10 }), limit, t0 + 10);
  assert.ok(both >= 21.99 && both < 22.1, String(both));
  const merged = mergeStates({ base: [4, 10, t0], mine: [4, 12, t0], theirs: [4, 15, t0 + 5], since: t0 });
  assert.deepEqual(merged, [4, 17, t0 + 5]);
});

test("recipients keep the later of two times they were seen", () => {
  assert.deepEqual(mergeStates({ base: [6, 1], mine: [6, 5], theirs: [6, 9], since: 2 }), [6, 9]);
  assert.deepEqual(mergeStates({ base: [6, 1], mine: [6, 12], theirs: [6, 9], since: 2 }), [6, 12]);
});
