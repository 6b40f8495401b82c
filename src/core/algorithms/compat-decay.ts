// policyd v2's (cluebringer's) counter to the digit, for rules that were tuned on it: it decays linearly from the last
// update, L + 1 pass in a burst, and about 2 L + 1 in the first period. Give `sliding` to new rules.

import type { Admission, CellAlgorithm, CellLimit, CellState, Charge } from "../cell.ts";

/** Layout: [DECAY, counter, last update in ms]. */
const DECAY = 4;

export const compatDecay: CellAlgorithm = { sizes: "after", admit, giveBack, used, expiresAt, rebase, add };

/** At RCPT: refused when the decayed counter is above the limit; the first charge is never judged (no row yet). */
function admit(state: CellState | undefined, limit: CellLimit, charge: Charge): Admission {
  const now = Math.max(charge.at, state?.[2] ?? 0);
  const before = used(state, limit, now);
  // There a limit of nought divides by it and defers all mail; here it refuses always, like every other algorithm's.
  const isOver = (limit.max === 0 && charge.amount > 0) || before > limit.max;
  if (isOver && charge.force !== true) {
    return { admitted: false, before, after: before, state, at: now, freesAt: freesAt(state, limit) };
  }
  const after = before + charge.amount;
  return { admitted: true, before, after, state: [DECAY, after, now], at: now, freesAt: undefined };
}

/** At END-OF-MESSAGE: sizes are added to the counter as it stands, without decay, and judged at the next RCPT. */
function add(state: CellState | undefined, _limit: CellLimit, charge: Charge): Admission {
  const before = state?.[1] ?? 0;
  const after = before + charge.amount;
  return { admitted: true, before, after, state: [DECAY, after, charge.at], at: charge.at, freesAt: undefined };
}

/** A charge decayed with the rest; at least this much of it is left, so no more is given back. */
function giveBack(state: CellState, limit: CellLimit, charge: Charge, now: number): CellState {
  const [, counter = 0, updatedAt = 0] = state;
  const left = charge.amount * Math.max(0, 1 - Math.max(0, now - charge.at) / limit.periodMs);
  return [DECAY, Math.max(0, counter - left), updatedAt];
}

function used(state: CellState | undefined, limit: CellLimit, now: number): number {
  if (state === undefined) return 0;
  const [, counter = 0, updatedAt = 0] = state;
  const elapsed = Math.max(0, now - updatedAt);
  return elapsed > limit.periodMs ? 0 : counter * (1 - elapsed / limit.periodMs);
}

/** When the decayed counter is no longer above the limit. */
function freesAt(state: CellState | undefined, limit: CellLimit): number | undefined {
  if (state === undefined || limit.max === 0) return undefined;
  const [, counter = 0, updatedAt = 0] = state;
  return Math.ceil(updatedAt + limit.periodMs * (1 - limit.max / counter));
}

function expiresAt(state: CellState, limit: CellLimit): number {
  return (state[2] ?? 0) + limit.periodMs + 1;
}

function rebase(state: CellState, _limit: CellLimit, now: number): CellState {
  return (state[2] ?? 0) <= now ? state : [DECAY, state[1] ?? 0, now];
}
