// One job over named cells: what it puts is held here until it has ended, so that a job that throws has changed nothing.

import type { CellState } from "../../core/cell.ts";
import type { CellView, DecisionRow, StoredMessage } from "../db.ts";

/** A view that is used again for each job: jobs run one at a time, inside one call. */
export class CellJob implements CellView {
  readonly #read: (key: string, now: number) => CellState | undefined;
  #keys: readonly string[] | undefined;
  #now = 0;
  /** By the place of the key in the job; undefined where nothing was put. */
  readonly states: (CellState | undefined)[] = [];
  readonly expiresAt: number[] = [];
  /** In the order of the calls; a text is the id of a dropped message. */
  readonly messages: (StoredMessage | string)[] = [];
  readonly decisions: DecisionRow[] = [];

  constructor(read: (key: string, now: number) => CellState | undefined) {
    this.#read = read;
  }

  /** Runs `work` and returns its result; its effects stand in the fields until the next run. */
  run<T>(keys: readonly string[], now: number, work: (view: CellView) => T): T {
    if (this.#keys !== undefined) throw new Error("A job cannot charge inside another");
    this.states.length = 0;
    this.expiresAt.length = 0;
    this.messages.length = 0;
    this.decisions.length = 0;
    this.#keys = keys;
    this.#now = now;
    try {
      return work(this);
    } finally {
      this.#keys = undefined;
    }
  }

  get now(): number {
    this.#assertRunning();
    return this.#now;
  }

  get changed(): boolean {
    return this.states.length > 0 || this.messages.length > 0 || this.decisions.length > 0;
  }

  get(key: string): CellState | undefined {
    const index = this.#indexOf(key);
    const put = this.states[index];
    if (put === undefined) return this.#read(key, this.#now);
    return (this.expiresAt[index] ?? 0) > this.#now ? put : undefined;
  }

  put(key: string, state: CellState, expiresAt: number): void {
    const index = this.#indexOf(key);
    if (Number.isNaN(expiresAt)) throw new RangeError(`The cell ${key} has no end`);
    this.states[index] = state;
    // Whole and safe, as the table wants it; a fraction of a ms longer does no harm.
    this.expiresAt[index] = Math.max(0, Math.min(Math.ceil(expiresAt), Number.MAX_SAFE_INTEGER));
  }

  saveMessage(message: StoredMessage): void {
    this.#assertRunning();
    if (!Number.isFinite(message.openedAt)) throw new RangeError(`The message ${message.id} has no time`);
    this.messages.push(message);
  }

  dropMessage(id: string): void {
    this.#assertRunning();
    this.messages.push(id);
  }

  saveDecision(decision: DecisionRow): void {
    this.#assertRunning();
    if (!Number.isFinite(decision.at + decision.lastAt + decision.count))
      throw new RangeError(`The decision ${decision.id} has no time or count`);
    this.decisions.push(decision);
  }

  #indexOf(key: string): number {
    this.#assertRunning();
    const index = this.#keys?.indexOf(key) ?? -1;
    if (index < 0) throw new Error(`The job did not name the cell ${key}`);
    return index;
  }

  #assertRunning(): void {
    if (this.#keys === undefined) throw new Error("The job is over");
  }
}
