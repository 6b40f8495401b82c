// What one transaction will hold, and who waits for it.

import type { DecisionRow, StoredMessage } from "../db.ts";
import type { MemoryCell } from "./cell-memory.ts";

interface Flusher {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Batch {
  readonly number: number;
  /** Each cell once: `cell.batch` says whether it is here already. */
  readonly cells: MemoryCell[] = [];
  /** Without a value: dropped. */
  readonly messages = new Map<string, StoredMessage | undefined>();
  readonly decisions = new Map<string, DecisionRow>();
  waiters: ((recorded: boolean) => void)[] = [];
  flushers: Flusher[] = [];
  deadline: NodeJS.Timeout | undefined;

  constructor(number: number) {
    this.number = number;
  }

  get empty(): boolean {
    return this.size === 0;
  }

  get size(): number {
    return this.cells.length + this.messages.size + this.decisions.size;
  }

  addCell(cell: MemoryCell): void {
    if (cell.batch === this.number) return;
    cell.batch = this.number;
    this.cells.push(cell);
  }

  /** Takes over what an older batch could not write; what is here already is newer. */
  takeBack(older: Batch, decisionsMax: number): void {
    for (const cell of older.cells) {
      if (cell.batch === older.number) this.addCell(cell);
    }
    for (const [id, message] of older.messages) {
      if (!this.messages.has(id)) this.messages.set(id, message);
    }
    for (const [id, decision] of older.decisions) {
      if (this.decisions.size >= decisionsMax) break;
      if (!this.decisions.has(id)) this.decisions.set(id, decision);
    }
  }

  /** Answers all that wait; flushers only when it is on disk. */
  settle(recorded: boolean): void {
    clearTimeout(this.deadline);
    this.deadline = undefined;
    const { waiters } = this;
    this.waiters = [];
    for (const finish of waiters) finish(recorded);
    if (!recorded) return;
    for (const flusher of this.flushers) flusher.resolve();
    this.flushers = [];
  }

  rejectFlushers(error: unknown): void {
    for (const flusher of this.flushers) flusher.reject(error);
    this.flushers = [];
  }
}
