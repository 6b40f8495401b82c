// The fixed window: it opens with the first charge, holds `max`, and closes one period later. Simple to tell a user;
// up to twice `max` may fall into one period across two windows.

import type { Admission, CellAlgorithm, CellLimit, CellState, Charge } from "../cell.ts";

/** Layout: [FIXED, opened at in ms, used]. */
const FIXED = 3;

export const fixed: CellAlgorithm = { sizes: "before", admit, giveBack, used, counts, expiresAt, rebase };

function admit(state: CellState | undefined, limit: CellLimit, charge: Charge): Admission {
  const at = Math.max(charge.at, state?.[1] ?? 0);
  const isOpen = state !== undefined && at < expiresAt(state, limit);
  const openedAt = isOpen ? (state[1] ?? at) : at;
  const before = isOpen ? (state[2] ?? 0) : 0;
  if (charge.amount > 0 && before + charge.amount > limit.max && charge.force !== true) {
    const freesAt = charge.amount > limit.max ? undefined : openedAt + limit.periodMs;
    return { admitted: false, before, after: before, state, at, freesAt };
  }
  const after = before + charge.amount;
  return {
    admitted: true,
    before,
    after,
    state: charge.amount === 0 ? state : [FIXED, openedAt, after],
    at,
    freesAt: undefined,
  };
}

function giveBack(state: CellState, _limit: CellLimit, charge: Charge): CellState {
  const [, openedAt = 0, counted = 0] = state;
  return charge.at < openedAt ? state : [FIXED, openedAt, Math.max(0, counted - charge.amount)];
}

function used(state: CellState | undefined, limit: CellLimit, now: number): number {
  return state !== undefined && now < expiresAt(state, limit) ? (state[2] ?? 0) : 0;
}

function counts(state: CellState, limit: CellLimit, at: number, now: number): boolean {
  return at >= (state[1] ?? 0) && now < expiresAt(state, limit);
}

function expiresAt(state: CellState, limit: CellLimit): number {
  return (state[2] ?? 0) === 0 ? 0 : (state[1] ?? 0) + limit.periodMs;
}

function rebase(state: CellState, _limit: CellLimit, now: number): CellState {
  return (state[1] ?? 0) <= now ? state : [FIXED, now, state[2] ?? 0];
}
