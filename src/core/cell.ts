// Cells: a counter's small state, and the pure functions that charge it and give back. Time comes with the call.

import type { CountingAlgorithm } from "./rules.ts";

/**
 * The state of one cell as plain numbers; the algorithm owns the layout, the first number says which layout it is.
 * Plain, so that an engine can keep it as text, and never changed in place.
 */
export type CellState = readonly number[];

/** How one cell counts. `max` in the counter's unit, `periodMs` the length of the window. */
export interface CellLimit {
  readonly algorithm: CountingAlgorithm;
  readonly max: number;
  readonly periodMs: number;
  /** The time zone of calendar periods; others have none. */
  readonly zone?: string;
}

/** What a charge would do, or did. */
export interface Admission {
  readonly admitted: boolean;
  readonly before: number;
  /** Equal to `before` when not admitted. */
  readonly after: number;
  /** The state to put; the old one when not admitted. */
  readonly state: CellState | undefined;
  /** The time the charge is booked at; giveBack wants it. */
  readonly at: number;
  /** When not admitted: the earliest time at which `amount` fits, or undefined when it never will. */
  readonly freesAt: number | undefined;
}

/** One way to count. All functions are pure; `now` and results in ms since the epoch. */
export interface CellAlgorithm {
  /**
   * before: a message's size is judged before it is accepted, the declared one at RCPT and the true one at END-OF-MESSAGE.
   * after: RCPT judges what was sent before, and END-OF-MESSAGE only adds (cluebringer's way, with `add`).
   */
  readonly sizes: "before" | "after";
  /** Adds without judging, for `sizes: "after"`. */
  readonly add?: (state: CellState | undefined, limit: CellLimit, charge: Charge) => Admission;
  /** Charges `amount` when it fits, or in any case when `force` (exempt mail is counted beyond the limit). */
  admit(state: CellState | undefined, limit: CellLimit, charge: Charge): Admission;
  /** Undoes a charge of `amount` booked at `at`, wherever it stands at `now`; never below nought. */
  giveBack(state: CellState, limit: CellLimit, charge: Charge, now: number): CellState;
  used(state: CellState | undefined, limit: CellLimit, now: number): number;
  /** Whether a charge booked at `at` counts still at `now`; algorithms that count distinct recipients have it. */
  readonly counts?: (state: CellState, limit: CellLimit, at: number, now: number) => boolean;
  /** After this time the state says nothing. */
  expiresAt(state: CellState, limit: CellLimit): number;
  /** A state from before the clock stepped back: moved so that nothing in it lies after `now`; counts stay. */
  rebase(state: CellState, limit: CellLimit, now: number): CellState;
}

export interface Charge {
  readonly at: number;
  readonly amount: number;
  readonly force?: boolean;
}
