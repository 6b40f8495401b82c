// gcra, fixed and compat-decay against oracles: the bound each one promises, and policyd v2's recurrence to the digit.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CellLimit, CellState } from "../cell.ts";
import { type Algorithm, algorithms } from "../rules.ts";
import { algorithmOf } from "./index.ts";

const t0 = 1_700_000_000_000;
const runs = process.env["POSTVARTA_FULL"] === "1" ? 20_000 : 1_000;

const stepsArb = fc.array(
  fc.record({
    gap: fc.oneof(fc.constantFrom(0, 1 / 7, 0.5, 1), fc.double({ min: 0, max: 1.2, noNaN: true })),
    amount: fc.integer({ min: 1, max: 5 }),
    abort: fc.boolean(),
  }),
  { maxLength: 100 },
);

const limitArb = (algorithm: Algorithm) =>
  fc.record({
    algorithm: fc.constant(algorithm),
    max: fc.integer({ min: 1, max: 40 }),
    periodMs: fc.constantFrom(1_000, 7_001, 3_600_000, 86_400_000),
  });

interface Booked {
  readonly at: number;
  readonly amount: number;
}

/** Charges the steps and gives the accepted ones; an aborted one is given back at the next step. */
function play(limit: CellLimit, steps: readonly { gap: number; amount: number; abort: boolean }[]) {
  const algorithm = algorithmOf(limit.algorithm);
  const accepted: { at: number; amount: number; before: number }[] = [];
  let state: CellState | undefined;
  let now = t0;
  let pending: Booked | undefined;
  for (const step of steps) {
    now += Math.round(step.gap * limit.periodMs);
    if (pending !== undefined && state !== undefined) state = algorithm.giveBack(state, limit, pending, now);
    pending = undefined;
    const admission = algorithm.admit(state, limit, { at: now, amount: step.amount });
    state = admission.state;
    if (!admission.admitted) continue;
    if (step.abort) pending = { at: admission.at, amount: step.amount };
    else accepted.push({ at: now, amount: step.amount, before: admission.before });
  }
  return { accepted, state, now };
}

test("gcra never lets more than a burst and its rate through, aborted charges given back", () => {
  fc.assert(
    fc.property(limitArb("gcra"), stepsArb, (limit, steps) => {
      const { accepted } = play(limit, steps);
      for (const first of accepted) {
        for (const last of accepted) {
          if (last.at < first.at) continue;
          const inside = accepted.filter((charge) => charge.at >= first.at && charge.at <= last.at);
          const sum = inside.reduce((total, charge) => total + charge.amount, 0);
          assert.ok(sum <= limit.max + ((last.at - first.at) * limit.max) / limit.periodMs + 1e-6);
        }
      }
    }),
    { numRuns: runs },
  );
});

test("gcra admits whatever a drained bucket has room for", () => {
  fc.assert(
    fc.property(
      limitArb("gcra"),
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (limit, amount, wait) => {
        const algorithm = algorithmOf("gcra");
        const full = algorithm.admit(undefined, limit, { at: t0, amount: limit.max });
        assert.equal(full.admitted, true);
        const now = t0 + Math.round(wait * limit.periodMs);
        const room = ((now - t0) * limit.max) / limit.periodMs;
        const admission = algorithm.admit(full.state, limit, { at: now, amount });
        if (Math.abs(room - amount) > 1e-6) assert.equal(admission.admitted, amount <= room);
        if (admission.freesAt !== undefined) {
          assert.equal(algorithm.admit(full.state, limit, { at: admission.freesAt, amount }).admitted, true);
        }
      },
    ),
    { numRuns: runs },
  );
});

test("fixed holds max between opening and one period later, and opens with the first charge after it", () => {
  fc.assert(
    fc.property(limitArb("fixed"), stepsArb, (limit, steps) => {
      const algorithm = algorithmOf("fixed");
      let state: CellState | undefined;
      let now = t0;
      let openedAt = -limit.periodMs;
      let used = 0;
      for (const step of steps) {
        now += Math.round(step.gap * limit.periodMs);
        if (now >= openedAt + limit.periodMs) used = 0;
        if (used === 0 && step.amount <= limit.max) openedAt = now;
        const fits = used + step.amount <= limit.max;
        const admission = algorithm.admit(state, limit, { at: now, amount: step.amount });
        assert.equal(admission.admitted, fits);
        if (fits) used += step.amount;
        state = admission.state;
      }
    }),
    { numRuns: runs },
  );
});

test("compat-decay follows policyd v2's recurrence to the digit", () => {
  fc.assert(
    fc.property(limitArb("compat-decay"), stepsArb, (limit, steps) => {
      const algorithm = algorithmOf("compat-decay");
      let state: CellState | undefined;
      let now = t0;
      let row: { counter: number; updatedAt: number } | undefined;
      for (const step of steps) {
        now += Math.round(step.gap * limit.periodMs);
        const elapsed = row === undefined ? 0 : Math.max(0, now - row.updatedAt) / 1000;
        const period = limit.periodMs / 1000;
        const decayed = row === undefined ? 0 : elapsed > period ? 0 : row.counter * (1 - elapsed / period);
        const exceeded = row !== undefined && decayed > limit.max;
        const admission = algorithm.admit(state, limit, { at: now, amount: step.amount });
        assert.equal(admission.admitted, !exceeded);
        assert.ok(Math.abs(admission.before - decayed) < 1e-9);
        if (!exceeded) row = { counter: decayed + step.amount, updatedAt: now };
        state = admission.state;
      }
    }),
    { numRuns: runs },
  );
});

for (const name of algorithms) {
  test(`${name}: a charge given back at once leaves nothing, and exempt mail is counted beyond the limit`, () => {
    const algorithm = algorithmOf(name);
    for (const max of [2, 1_000]) {
      const limit: CellLimit = { algorithm: name, max, periodMs: 3_600_000 };
      const charged = algorithm.admit(undefined, limit, { at: t0, amount: 2 });
      assert.ok(charged.state);
      const back = algorithm.giveBack(charged.state, limit, { at: charged.at, amount: 2 }, t0);
      assert.equal(algorithm.used(back, limit, t0), 0);
      const forced = algorithm.admit(charged.state, limit, { at: t0, amount: max, force: true });
      assert.equal(forced.admitted, true);
      assert.ok(Math.abs(algorithm.used(forced.state, limit, t0) - (max + 2)) < 1e-6);
      assert.ok(forced.state !== undefined && algorithm.expiresAt(forced.state, limit) > t0);
    }
  });

  test(`${name}: a state from another clock is moved to now with its count`, () => {
    const algorithm = algorithmOf(name);
    const limit: CellLimit = { algorithm: name, max: 10, periodMs: 3_600_000 };
    const { state } = algorithm.admit(undefined, limit, { at: t0, amount: 4 });
    assert.ok(state);
    const now = t0 - 365 * 86_400_000;
    const moved = algorithm.rebase(state, limit, now);
    assert.ok(algorithm.used(moved, limit, now) >= 4);
    assert.ok(algorithm.used(moved, limit, now + 2 * limit.periodMs) === 0);
  });
}
