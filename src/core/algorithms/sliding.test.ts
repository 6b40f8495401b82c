// The sliding window against an oracle that remembers every charge: exact up to 64, at most period/60 late above.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CellLimit, CellState } from "../cell.ts";
import { sliding } from "./sliding.ts";

const t0 = 1_700_000_000_000;
const runs = process.env.POSTVARTA_FULL === "1" ? 20_000 : 1_000;

interface Accepted {
  at: number;
  amount: number;
}

const limitArb = (maxes: fc.Arbitrary<number>) =>
  fc.record({
    algorithm: fc.constant("sliding" as const),
    max: maxes,
    periodMs: fc.constantFrom(1_000, 7_000, 60_000, 3_600_000, 86_400_000, 61_003),
  });

/** Steps from nothing to a little more than a period, often exactly a period or a sixtieth of it. */
const stepsArb = fc.array(
  fc.record({
    gap: fc.oneof(fc.constantFrom(0, 1, 1 / 60, 0.5, 1, 59 / 60), fc.double({ min: 0, max: 1.2, noNaN: true })),
    amount: fc.integer({ min: 1, max: 9 }),
    undo: fc.boolean(),
  }),
  { maxLength: 120 },
);

function inWindow(accepted: readonly Accepted[], from: number, to: number): number {
  return accepted.reduce((sum, charge) => (charge.at > from && charge.at <= to ? sum + charge.amount : sum), 0);
}

test("limits up to 64 admit exactly what fits into the last period, giving back included", () => {
  fc.assert(
    fc.property(limitArb(fc.integer({ min: 0, max: 64 })), stepsArb, (limit, steps) => {
      let state: CellState | undefined;
      let now = t0;
      let accepted: Accepted[] = [];
      for (const step of steps) {
        now += Math.round(step.gap * limit.periodMs);
        const fits = inWindow(accepted, now - limit.periodMs, now) + step.amount <= limit.max;
        const admission = sliding.admit(state, limit, { at: now, amount: step.amount });
        assert.equal(admission.admitted, fits);
        assert.equal(admission.before, inWindow(accepted, now - limit.periodMs, now));
        state = admission.state;
        if (!admission.admitted) continue;
        accepted.push({ at: now, amount: step.amount });
        if (step.undo && state !== undefined) {
          state = sliding.giveBack(state, limit, { at: now, amount: step.amount }, now);
          accepted = accepted.slice(0, -1);
        }
      }
    }),
    { numRuns: runs },
  );
});

test("larger limits never let more than max into any period and free at most a sixtieth of it late", () => {
  fc.assert(
    fc.property(limitArb(fc.integer({ min: 65, max: 120 })), stepsArb, (limit, steps) => {
      let state: CellState | undefined;
      let now = t0;
      const accepted: Accepted[] = [];
      for (const step of steps) {
        now += Math.round(step.gap * limit.periodMs);
        const admission = sliding.admit(state, limit, { at: now, amount: step.amount });
        const late = limit.periodMs + Math.ceil(limit.periodMs / 60);
        if (!admission.admitted) assert.ok(inWindow(accepted, now - late, now) + step.amount > limit.max);
        else accepted.push({ at: now, amount: step.amount });
        state = admission.state;
        assert.ok(inWindow(accepted, now - limit.periodMs, now) <= limit.max);
        assert.ok((state?.length ?? 0) <= 1 + 2 * 61);
      }
    }),
    { numRuns: runs },
  );
});

test("the time a refusal names is the first at which the charge is admitted", () => {
  fc.assert(
    fc.property(
      limitArb(fc.integer({ min: 1, max: 130 })),
      stepsArb,
      fc.integer({ min: 1, max: 20 }),
      (limit, steps, amount) => {
        let state: CellState | undefined;
        let now = t0;
        for (const step of steps) {
          now += Math.round(step.gap * limit.periodMs * 0.1);
          state = sliding.admit(state, limit, { at: now, amount: step.amount }).state;
        }
        const refused = sliding.admit(state, limit, { at: now, amount });
        if (refused.admitted || refused.freesAt === undefined) return;
        assert.equal(sliding.admit(state, limit, { at: refused.freesAt, amount }).admitted, true);
        assert.equal(sliding.admit(state, limit, { at: refused.freesAt - 1, amount }).admitted, false);
      },
    ),
    { numRuns: runs },
  );
});

test("what is given back later is given back from the same place, and an expired charge gives nothing", () => {
  const arb = fc.record({ max: fc.constantFrom(10, 500), periodMs: fc.constantFrom(60_000, 3_600_000) });
  fc.assert(
    fc.property(
      arb,
      fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 2, maxLength: 30 }),
      ({ max, periodMs }, gaps) => {
        const limit: CellLimit = { algorithm: "sliding", max, periodMs };
        let state: CellState | undefined;
        let now = t0;
        const booked: Accepted[] = [];
        for (const gap of gaps) {
          now += gap;
          const admission = sliding.admit(state, limit, { at: now, amount: 1 });
          if (admission.admitted) booked.push({ at: admission.at, amount: 1 });
          state = admission.state;
        }
        assert.ok(state);
        for (const charge of booked) state = sliding.giveBack(state, limit, charge, now);
        assert.equal(sliding.used(state, limit, now), 0);
        const full = sliding.admit(undefined, limit, { at: now, amount: 3 });
        assert.ok(full.state);
        const kept = sliding.giveBack(full.state, limit, { at: now - 2 * periodMs, amount: 3 }, now);
        assert.equal(sliding.used(kept, limit, now), 3);
      },
    ),
    { numRuns: runs },
  );
});

test("a changed max keeps what is used, in both directions", () => {
  const small: CellLimit = { algorithm: "sliding", max: 10, periodMs: 3_600_000 };
  const large: CellLimit = { ...small, max: 1_000 };
  let state = sliding.admit(undefined, small, { at: t0, amount: 7 }).state;
  state = sliding.admit(state, large, { at: t0 + 1_000, amount: 100 }).state;
  assert.equal(sliding.used(state, large, t0 + 2_000), 107);
  assert.equal(sliding.admit(state, small, { at: t0 + 2_000, amount: 1 }).admitted, false);
  assert.equal(sliding.used(state, small, t0 + 2_000), 107);
  assert.equal(sliding.used(state, small, t0 + 3_600_000 + 60_000), 0);
});

test("exempt mail is counted beyond the limit in bounded space", () => {
  const limit: CellLimit = { algorithm: "sliding", max: 2, periodMs: 60_000 };
  let state: CellState | undefined;
  for (let i = 0; i < 5_000; i++) state = sliding.admit(state, limit, { at: t0 + i, amount: 1, force: true }).state;
  assert.equal(sliding.used(state, limit, t0 + 5_000), 5_000);
  assert.ok((state?.length ?? 0) <= 1 + 2 * 64);
  assert.ok(sliding.used(state, limit, t0 + 5_000 + 61_100) === 0);
});

test("a cell from a time after now is moved back whole, so that no counter is gained or lost", () => {
  for (const max of [10, 1_000]) {
    const limit: CellLimit = { algorithm: "sliding", max, periodMs: 3_600_000 };
    const first = sliding.admit(undefined, limit, { at: t0, amount: 3 }).state;
    const state = sliding.admit(first, limit, { at: t0 + 600_000, amount: 4 }).state;
    assert.ok(state);
    const now = t0 - 365 * 86_400_000;
    const moved = sliding.rebase(state, limit, now);
    assert.equal(sliding.used(moved, limit, now), 7);
    assert.equal(sliding.used(moved, limit, now + 3_600_000 + 60_000), 0);
    assert.equal(sliding.rebase(moved, limit, now), moved);
  }
});

test("a limit of nought refuses always and names no time", () => {
  const limit: CellLimit = { algorithm: "sliding", max: 0, periodMs: 3_600_000 };
  const admission = sliding.admit(undefined, limit, { at: t0, amount: 1 });
  assert.deepEqual([admission.admitted, admission.freesAt], [false, undefined]);
});
