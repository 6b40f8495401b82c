// Accounting's window (policyd v2): a calendar day, ISO week or month. Exactly `max` messages pass in it; sizes are added at
// the end of a message and judged at the next recipient.

import { periodAt } from "../calendar.ts";
import type { Admission, CellAlgorithm, CellLimit, CellState, Charge } from "../cell.ts";
import type { CalendarPeriod } from "../rules.ts";

/** Layout: [CALENDAR, period starts at, period ends at, used]; the bounds stand in the state, so a reader needs no zone. */
const CALENDAR = 7;

export function calendar(unit: CalendarPeriod): CellAlgorithm {
  const open = (state: CellState | undefined, limit: CellLimit, now: number): CellState =>
    openPeriod(state, limit, now, unit);
  return {
    sizes: "after",
    admit: (state, limit, charge) => admit(state, open(state, limit, charge.at), limit, charge),
    add: (state, limit, charge) => add(open(state, limit, charge.at), charge),
    giveBack,
    used,
    expiresAt: (state) => state[2] ?? 0,
    rebase,
  };
}

function openPeriod(state: CellState | undefined, limit: CellLimit, now: number, unit: CalendarPeriod): CellState {
  if (state !== undefined && now < (state[2] ?? 0)) return state;
  const period = periodAt(now, unit, limit.zone ?? "UTC");
  return [CALENDAR, period.startsAt, period.endsAt, 0];
}

function admit(state: CellState | undefined, open: CellState, limit: CellLimit, charge: Charge): Admission {
  const [, , endsAt = 0, before = 0] = open;
  // An amount of nought asks whether what was sent before is already too much: sizes, which are judged late.
  const isOver = before + charge.amount > limit.max;
  if (isOver && charge.force !== true)
    return { admitted: false, before, after: before, state, at: charge.at, freesAt: endsAt };
  return add(open, charge);
}

function add(open: CellState, charge: Charge): Admission {
  const [, startsAt = 0, endsAt = 0, before = 0] = open;
  const after = before + charge.amount;
  return {
    admitted: true,
    before,
    after,
    state: [CALENDAR, startsAt, endsAt, after],
    at: charge.at,
    freesAt: undefined,
  };
}

function giveBack(state: CellState, _limit: CellLimit, charge: Charge): CellState {
  const [, startsAt = 0, endsAt = 0, counted = 0] = state;
  return charge.at < startsAt ? state : [CALENDAR, startsAt, endsAt, Math.max(0, counted - charge.amount)];
}

function used(state: CellState | undefined, _limit: CellLimit, now: number): number {
  return state !== undefined && now < (state[2] ?? 0) ? (state[3] ?? 0) : 0;
}

/** A period that begins after now is from another clock: its count goes to the period that is. */
function rebase(state: CellState, limit: CellLimit, now: number): CellState {
  const [, startsAt = 0, endsAt = 0, counted = 0] = state;
  return startsAt <= now ? state : [CALENDAR, now, Math.min(endsAt, now + limit.periodMs), counted];
}
