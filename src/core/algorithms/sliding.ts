// The sliding window: never more than `max` in any window of one period. Small limits keep time stamps and are exact;
// large ones keep 60 sub-buckets and free at most period/60 late (decided 3).

import type { Admission, CellAlgorithm, CellLimit, CellState, Charge } from "../cell.ts";

/** Layouts: [STAMPS, time, amount, time, amount …] and [BUCKETS, index, amount …], both oldest first. */
const STAMPS = 0;
const BUCKETS = 1;

/** Up to this limit, and this many entries, time stamps are kept: at most 1 KiB of numbers. */
const stampsMax = 64;
const bucketsPerPeriod = 60;

export const sliding: CellAlgorithm = { sizes: "before", admit, giveBack, used, counts, expiresAt, rebase };

function admit(state: CellState | undefined, limit: CellLimit, charge: Charge): Admission {
  const at = Math.max(charge.at, lastTime(state, limit));
  const live = prune(state, limit, at);
  const before = total(live);
  if (before + charge.amount > limit.max && charge.amount > 0 && charge.force !== true) {
    return { admitted: false, before, after: before, state, at, freesAt: freesAt(live, limit, charge.amount) };
  }
  const after = before + charge.amount;
  if (charge.amount === 0) return { admitted: true, before, after, state, at, freesAt: undefined };
  const next =
    live[0] === BUCKETS ? addToBucket(live, limit, at, charge.amount) : addStamp(live, limit, at, charge.amount);
  return { admitted: true, before, after, state: next, at, freesAt: undefined };
}

function giveBack(state: CellState, limit: CellLimit, charge: Charge, now: number): CellState {
  if (isOver(state, limit, charge.at, now)) return state;
  const index = state[0] === BUCKETS ? bucketIndexOf(state, limit, charge.at) : stampIndexOf(state, limit, charge.at);
  if (index < 0) return state;
  const left = (state[index + 1] ?? 0) - charge.amount;
  const next = state.slice();
  if (left > 0) next[index + 1] = left;
  else next.splice(index, 2);
  return next;
}

function used(state: CellState | undefined, limit: CellLimit, now: number): number {
  return total(prune(state, limit, Math.max(now, lastTime(state, limit))));
}

function counts(state: CellState, limit: CellLimit, at: number, now: number): boolean {
  return !isOver(state, limit, at, now);
}

function expiresAt(state: CellState, limit: CellLimit): number {
  return state.length < 3 ? 0 : endOf(state, limit, state.length - 2);
}

function rebase(state: CellState, limit: CellLimit, now: number): CellState {
  const ahead = lastTime(state, limit) - now;
  // A stamp that was a bucket stands at its end, up to a sixtieth ahead: that is no step of the clock.
  if (ahead <= Math.ceil(limit.periodMs / bucketsPerPeriod)) return state;
  const shift = state[0] === BUCKETS ? Math.ceil((ahead * bucketsPerPeriod) / limit.periodMs) : ahead;
  return state.map((value, i) => (i % 2 === 1 ? value - shift : value));
}

/** The time of the newest entry; a charge is never booked before it, so entries stay in order. */
function lastTime(state: CellState | undefined, limit: CellLimit): number {
  if (state === undefined || state.length < 3) return 0;
  const last = state[state.length - 2] ?? 0;
  return state[0] === BUCKETS ? Math.ceil((last * limit.periodMs) / bucketsPerPeriod) : last;
}

/** When the entry at `index` stops counting. A bucket counts until its youngest possible charge is one period old. */
function endOf(state: CellState, limit: CellLimit, index: number): number {
  const entry = state[index] ?? 0;
  if (state[0] !== BUCKETS) return entry + limit.periodMs;
  return Math.ceil(((entry + 1 + bucketsPerPeriod) * limit.periodMs) / bucketsPerPeriod);
}

/** The entries that still count at `now`, in the layout that `limit.max` asks for. */
function prune(state: CellState | undefined, limit: CellLimit, now: number): CellState {
  const wanted = limit.max <= stampsMax ? STAMPS : BUCKETS;
  if (state === undefined) return [wanted];
  let first = 1;
  while (first < state.length && endOf(state, limit, first) <= now) first += 2;
  const live = first === 1 ? state : [state[0] ?? wanted, ...state.slice(first)];
  if (live[0] === wanted || live.length === 1) return live.length === 1 ? [wanted] : live;
  return wanted === BUCKETS ? toBuckets(live, limit) : toStamps(live, limit);
}

function total(state: CellState): number {
  let sum = 0;
  for (let i = 2; i < state.length; i += 2) sum += state[i] ?? 0;
  return sum;
}

function freesAt(live: CellState, limit: CellLimit, amount: number): number | undefined {
  if (amount > limit.max) return undefined;
  let over = total(live) + amount - limit.max;
  for (let i = 1; i < live.length; i += 2) {
    over -= live[i + 1] ?? 0;
    if (over <= 0) return endOf(live, limit, i);
  }
  return undefined;
}

function addStamp(live: CellState, limit: CellLimit, at: number, amount: number): CellState {
  const last = live.length - 2;
  if (last > 0 && live[last] === at) return [...live.slice(0, -1), (live[last + 1] ?? 0) + amount];
  const next = [...live, at, amount];
  // Only exempt mail, counted beyond the limit, can have more entries than the limit has units.
  return next.length > 1 + 2 * stampsMax ? toBuckets(next, limit) : next;
}

function addToBucket(live: CellState, limit: CellLimit, at: number, amount: number): CellState {
  const bucket = bucketOf(limit, at);
  const last = live.length - 2;
  if (last > 0 && (live[last] ?? 0) >= bucket) return [...live.slice(0, -1), (live[last + 1] ?? 0) + amount];
  return [...live, bucket, amount];
}

function bucketOf(limit: CellLimit, at: number): number {
  return Math.floor((at * bucketsPerPeriod) / limit.periodMs);
}

function toBuckets(stamps: CellState, limit: CellLimit): CellState {
  let next: CellState = [BUCKETS];
  for (let i = 1; i < stamps.length; i += 2) next = addToBucket(next, limit, stamps[i] ?? 0, stamps[i + 1] ?? 0);
  return next;
}

/** Each bucket becomes one stamp at its last millisecond: it may free late, never early, and turns back into the same bucket. */
function toStamps(buckets: CellState, limit: CellLimit): CellState {
  const end = (bucket: number) => Math.ceil(((bucket + 1) * limit.periodMs) / bucketsPerPeriod) - 1;
  return buckets.map((value, i) => (i === 0 ? STAMPS : i % 2 === 1 ? end(value) : value));
}

/** The stamp of a charge booked at `at`; after a change of layout or of the clock, the one it became. */
function stampIndexOf(state: CellState, limit: CellLimit, at: number): number {
  for (let i = 1; i < state.length; i += 2) {
    const late = (state[i] ?? 0) - at;
    if (late >= 0) return late <= Math.ceil(limit.periodMs / bucketsPerPeriod) ? i : -1;
  }
  return state.length > 1 ? state.length - 2 : -1;
}

function bucketIndexOf(state: CellState, limit: CellLimit, at: number): number {
  const bucket = bucketOf(limit, at);
  for (let i = 1; i < state.length; i += 2) {
    if (state[i] === bucket) return i;
    if ((state[i] ?? 0) > bucket) return -1;
  }
  return state.length > 1 ? state.length - 2 : -1;
}

/** A charge that counts no more has nothing to give back, and must not take from a later one. */
function isOver(state: CellState, limit: CellLimit, at: number, now: number): boolean {
  if (state[0] !== BUCKETS) return at + limit.periodMs <= now;
  return endOf([BUCKETS, bucketOf(limit, at), 0], limit, 1) <= now;
}
