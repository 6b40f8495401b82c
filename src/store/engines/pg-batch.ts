// One transaction of charges: what it locks, what it found, what it will write, and who waits for it.

import type { DecisionRow, StoredMessage } from "../db.ts";
import type { MemoryCell } from "./cell-memory.ts";
import { renderState } from "./cell-text.ts";
import type { PgJob } from "./pg-job.ts";
import type { WriteCall } from "./pg-line.ts";
import type { Departure, Effects } from "./pg-unwritten.ts";

export class PgBatch implements Effects {
  readonly keys = new Set<string>();
  /** Jobs that have not run. */
  jobs: PgJob[];
  /** Jobs that have run and wait for the disk. */
  waiting: PgJob[] = [];
  /** Cells to be written, by key, with what they were before. */
  readonly changed = new Map<string, MemoryCell>();
  readonly bases = new Map<string, Departure>();
  readonly messages = new Map<string, StoredMessage | undefined>();
  readonly decisions = new Map<string, DecisionRow>();
  sequence = 0;

  constructor(jobs: PgJob[], unwrittenKeys: Iterable<string>) {
    this.jobs = jobs;
    for (const key of unwrittenKeys) this.keys.add(key);
    for (const job of jobs) for (const key of job.keys) this.keys.add(key);
  }

  get size(): number {
    return this.changed.size + this.messages.size + this.decisions.size;
  }

  settle(recorded: boolean): void {
    const { waiting } = this;
    this.waiting = [];
    for (const job of waiting) job.settle(recorded);
  }

  /** The states as they are in memory when it is written. */
  writeCall(): WriteCall {
    const keys = [...this.changed.keys()];
    const cells = [...this.changed.values()];
    return {
      sequence: this.sequence,
      keys,
      states: cells.map(({ state }) => (typeof state === "string" ? state : renderState(state))),
      expiresAt: cells.map((cell) => cell.expiresAt),
      messages: this.messages,
      decisions: this.decisions.values(),
    };
  }
}
