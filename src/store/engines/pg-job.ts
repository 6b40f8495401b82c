// One call of `charge` on its way: waiting to run, run and waiting for the disk, or answered.

import type { CellView, Charged } from "../db.ts";
import type { CellJob } from "./cell-job.ts";

/** A job as a batch sees it: its result is between it and its caller. */
export interface PgJob {
  readonly keys: readonly string[];
  /** performance.now() of the call. */
  readonly calledAt: number;
  /** Runs the work, once. False when it threw: then nothing changed, and the caller has the error. */
  run(job: CellJob, now: number): boolean;
  settle(recorded: boolean): void;
}

export class PgCall<T> implements PgJob {
  readonly keys: readonly string[];
  readonly promise: Promise<Charged<T>>;
  readonly calledAt = performance.now();
  readonly #work: (view: CellView) => T;
  readonly #answer: PromiseWithResolvers<Charged<T>>;
  #result: T | undefined;

  constructor(keys: readonly string[], work: (view: CellView) => T) {
    this.keys = keys;
    this.#work = work;
    this.#answer = Promise.withResolvers();
    this.promise = this.#answer.promise;
  }

  run(job: CellJob, now: number): boolean {
    try {
      this.#result = job.run(this.keys, now, this.#work);
      return true;
    } catch (error) {
      this.#answer.reject(error);
      return false;
    }
  }

  settle(recorded: boolean): void {
    this.#answer.resolve({ result: this.#result as T, recorded });
  }
}
