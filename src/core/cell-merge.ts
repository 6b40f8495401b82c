// What a node charged while it could not reach the others, put together with what they charged meanwhile. By the layout of a state,
// which is its first number (the algorithms' files say what follows it).

import type { CellState } from "./cell.ts";

const STAMPS = 0;
const BUCKETS = 1;
const GCRA = 2;
const FIXED = 3;
const DECAY = 4;

export interface Divergence {
  /** The state both started from; undefined when there was none. */
  readonly base: CellState | undefined;
  readonly mine: CellState;
  readonly theirs: CellState | undefined;
  /** When mine left the base, in ms. */
  readonly since: number;
}

/**
 * The state that holds the charges of both sides: mine where nobody else charged, otherwise theirs with what mine has more, and less,
 * than the base. Exact for windows; a gcra or decaying counter may come out a little too full, never too empty.
 */
export function mergeStates({ base, mine, theirs, since }: Divergence): CellState {
  if (theirs === undefined || (base !== undefined && isSame(base, theirs))) return mine;
  const layout = mine[0];
  if (layout !== theirs[0]) return sum(mine) > sum(theirs) ? mine : theirs;
  const common = base !== undefined && base[0] === layout ? base : undefined;
  switch (layout) {
    case STAMPS:
    case BUCKETS:
      return mergeEntries(common, mine, theirs);
    case GCRA:
      return mergeArrivals(common, mine, theirs, since);
    case FIXED:
      return mergeWindows(common, mine, theirs);
    case DECAY: {
      const added = Math.max(0, (mine[1] ?? 0) - (common?.[1] ?? 0));
      return [DECAY, (theirs[1] ?? 0) + added, Math.max(mine[2] ?? 0, theirs[2] ?? 0)];
    }
    default:
      // Marks of when something was seen last.
      return (mine[1] ?? 0) >= (theirs[1] ?? 0) ? mine : theirs;
  }
}

function isSame(a: CellState, b: CellState): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function sum(state: CellState): number {
  let total = 0;
  for (let i = 2; i < state.length; i += 2) total += state[i] ?? 0;
  return total;
}

/** Entries are (place, amount), oldest first. */
function mergeEntries(base: CellState | undefined, mine: CellState, theirs: CellState): CellState {
  const amounts = entriesOf(theirs);
  const before = entriesOf(base ?? []);
  const after = entriesOf(mine);
  for (const [at, amount] of after) amounts.set(at, (amounts.get(at) ?? 0) + amount - (before.get(at) ?? 0));
  for (const [at, amount] of before) if (!after.has(at)) amounts.set(at, (amounts.get(at) ?? 0) - amount);
  const left = [...amounts].filter(([, amount]) => amount > 0).sort(([a], [b]) => a - b);
  return [theirs[0] ?? STAMPS, ...left.flat()];
}

function entriesOf(state: CellState): Map<number, number> {
  const entries = new Map<number, number>();
  for (let i = 1; i + 1 < state.length; i += 2)
    entries.set(state[i] ?? 0, (entries.get(state[i] ?? 0) ?? 0) + (state[i + 1] ?? 0));
  return entries;
}

/** [GCRA, arrival, ms a unit]: what mine moved its arrival by is added to theirs. */
function mergeArrivals(base: CellState | undefined, mine: CellState, theirs: CellState, since: number): CellState {
  const moved = (mine[1] ?? 0) - Math.max(base?.[1] ?? 0, since);
  return [GCRA, Math.max(theirs[1] ?? 0, since) + moved, theirs[2] ?? 0];
}

/** [FIXED, opened at, used]: a window that both opened is the one that opened first. */
function mergeWindows(base: CellState | undefined, mine: CellState, theirs: CellState): CellState {
  const [, myOpening = 0, myUse = 0] = mine;
  const [, theirOpening = 0, theirUse = 0] = theirs;
  const [, opening, use = 0] = base ?? [];
  const isOld = myOpening === opening;
  if (isOld && theirOpening > myOpening) return theirs;
  const added = isOld ? myUse - use : myUse;
  if (theirOpening === opening && !isOld) return mine;
  return [FIXED, Math.min(myOpening, theirOpening), Math.max(0, theirUse + added)];
}
