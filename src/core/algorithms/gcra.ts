// The generic cell rate algorithm (ITU-T I.371, virtual scheduling): a burst of `max`, then one each period/max.

import type { Admission, CellAlgorithm, CellLimit, CellState, Charge } from "../cell.ts";

/** Layout: [GCRA, theoretical arrival time in ms, ms a unit when it was written]. */
const GCRA = 2;

/** Sums of period/max in binary fractions may end this much off; far below a millisecond, in which times come. */
const roundingMs = 1e-3;

export const gcra: CellAlgorithm = { sizes: "before", admit, giveBack, used, expiresAt, rebase };

function admit(state: CellState | undefined, limit: CellLimit, charge: Charge): Admission {
  const unitMs = limit.periodMs / limit.max;
  const now = charge.at;
  const debtMs = used(state, limit, now) * unitMs;
  const before = round(limit.max === 0 ? 0 : debtMs / unitMs);
  const isNothing = charge.amount === 0;
  if (limit.max === 0 && !isNothing && charge.force !== true) {
    return { admitted: false, before, after: before, state, at: now, freesAt: undefined };
  }
  const nextMs = isNothing ? debtMs : debtMs + charge.amount * unitMs;
  if (nextMs > limit.periodMs + roundingMs && !isNothing && charge.force !== true) {
    const freesAt = charge.amount > limit.max ? undefined : Math.ceil(now + nextMs - limit.periodMs - roundingMs);
    return { admitted: false, before, after: before, state, at: now, freesAt };
  }
  if (isNothing || !Number.isFinite(unitMs))
    return { admitted: true, before, after: before, state, at: now, freesAt: undefined };
  const arrival = now + nextMs;
  // The booking's time is the arrival after this charge: until then the charge has not drained.
  return {
    admitted: true,
    before,
    after: before + charge.amount,
    state: [GCRA, arrival, unitMs],
    at: arrival,
    freesAt: undefined,
  };
}

/** Charges drain in their order, so of this one is left what lies between now and the arrival it was booked with. */
function giveBack(state: CellState, _limit: CellLimit, charge: Charge, now: number): CellState {
  const [, arrival = 0, unitMs = 0] = state;
  const leftMs = Math.min(charge.amount * unitMs, Math.max(0, charge.at - now));
  return [GCRA, arrival - leftMs, unitMs];
}

/** In units at the rate the state was written with: a changed max keeps what is used. */
function used(state: CellState | undefined, _limit: CellLimit, now: number): number {
  if (state === undefined) return 0;
  const [, arrival = 0, unitMs = 1] = state;
  return Math.max(0, arrival - now) / unitMs;
}

function expiresAt(state: CellState): number {
  return Math.ceil(state[1] ?? 0);
}

/** Debt cannot exceed a period but by exempt mail; what stands farther ahead is from another clock. */
function rebase(state: CellState, limit: CellLimit, now: number): CellState {
  const [, arrival = 0, unitMs = 0] = state;
  return arrival - now <= 2 * limit.periodMs ? state : [GCRA, now + limit.periodMs, unitMs];
}

function round(units: number): number {
  return Math.round(units * 10_000) / 10_000;
}
