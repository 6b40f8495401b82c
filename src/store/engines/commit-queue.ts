// From memory to disk: what the jobs of one turn changed, and all that gathers while two batches are under way, is the next batch.
// Answers wait for it, but never longer than 200 ms, and not at all while the store is known to be failing (decided 4).

import type { Log } from "../../core/log.ts";
import type { Charged, DecisionRow, StoredMessage } from "../db.ts";
import { Batch } from "./batch.ts";
import type { MemoryCell } from "./cell-memory.ts";
import { renderJournal } from "./journal.ts";
import type { CommitCall } from "./sqlite-calls.ts";

/** After this an answer leaves from memory. */
export const answerWaitMs = 200;

/** Between attempts while the store is failing; doubles from the first to the second. */
const retryFirstMs = 50;
const retryMaxMs = 5_000;

/** Batches on their way to the writer: when one is on disk, the next lies there already, however busy this thread is. */
const inFlightMax = 2;

/** Decisions kept while the store is failing; the oldest go first. Cells and messages need no such limit: each stands here once. */
const decisionsMax = 10_000;

/** The writing end. Both throw the store's error. */
export interface CommitTarget {
  commit(call: CommitCall): Promise<unknown>;
  /** Resolves when the disk takes writes again. */
  probe(): Promise<unknown>;
}

export interface CommitQueueOptions {
  readonly target: CommitTarget;
  readonly log: Log;
  readonly now: () => number;
  /** Messages that stand on disk at start. */
  readonly messageIds: readonly string[];
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  /** Ids on disk: dropping a message that never got there leaves nothing to write. */
  readonly #messageIds: Set<string>;
  #open = new Batch(1);
  /** On their way, oldest first: the writer takes all that have arrived as one transaction, and answers in their order. */
  readonly #inFlight: Batch[] = [];
  /** Those that were refused, until all that are on their way have been answered. */
  readonly #refused: Batch[] = [];
  /** Batches on disk whose cells are not in the table yet, oldest first. Thousands under load, so no more of them is kept. */
  readonly #unfolded: Pick<Batch, "number" | "cells">[] = [];
  #foldedBatch = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = retryFirstMs;
  #failing = false;
  /** A commit is taking longer than an answer may wait. */
  #stalled = false;
  #closed = false;
  #lastError: string | undefined;
  #unrecorded = 0;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#messageIds = new Set(options.messageIds);
  }

  addCell(cell: MemoryCell): void {
    this.#open.addCell(cell);
    this.#schedule();
  }

  addMessage(change: StoredMessage | string): void {
    if (typeof change !== "string") this.#open.messages.set(change.id, change);
    else if (this.#isOnDisk(change)) this.#open.messages.set(change, undefined);
    else this.#open.messages.delete(change);
    this.#schedule();
  }

  addDecision(decision: DecisionRow): void {
    const { decisions } = this.#open;
    decisions.set(decision.id, decision);
    const oldest = decisions.size > decisionsMax ? decisions.keys().next().value : undefined;
    if (oldest !== undefined) decisions.delete(oldest);
    this.#schedule();
  }

  /**
   * Resolves when all that was added so far is on disk. A job that changed nothing waits too while something is under way: its answer
   * may rest on a charge that is not on disk yet.
   */
  wait<T>(result: T, changed: boolean): Promise<Charged<T>> {
    const batch = this.#latest;
    if (batch === undefined) return Promise.resolve({ result, recorded: true });
    if (!this.writable) {
      if (changed) this.#unrecorded++;
      return Promise.resolve({ result, recorded: !changed });
    }
    return new Promise((resolve) => {
      batch.waiters.push((recorded) => resolve({ result, recorded }));
      batch.deadline ??= setTimeout(() => setImmediate(() => this.#stall(batch)), answerWaitMs);
    });
  }

  /** Resolves when all that was added so far is on disk; throws when the next attempt fails. */
  flush(): Promise<void> {
    const batch = this.#latest;
    if (batch === undefined) return Promise.resolve();
    const done = new Promise<void>((resolve, reject) => batch.flushers.push({ resolve, reject }));
    if (this.#failing) this.#tryAgain();
    return done;
  }

  /** Cells that the table does not know yet, each at least once, however slowly they are read. */
  *unfoldedCells(): Generator<MemoryCell> {
    const last = this.#open.number;
    for (const { number, cells } of [...this.#unfolded, ...this.#refused, ...this.#inFlight, this.#open]) {
      // One that a later batch has too comes with that, unless it was charged since.
      for (const cell of cells) if (cell.batch === number || cell.batch > last) yield cell;
    }
  }

  /** The writer says: the table knows all batches up to `batch`. */
  folded(batch: number): void {
    this.#foldedBatch = Math.max(this.#foldedBatch, batch);
    while ((this.#unfolded[0]?.number ?? Number.POSITIVE_INFINITY) <= this.#foldedBatch) this.#unfolded.shift();
  }

  get foldedBatch(): number {
    return this.#foldedBatch;
  }

  get writable(): boolean {
    return !this.#failing && !this.#stalled;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  get pending(): number {
    const waiting = [...this.#inFlight, ...this.#refused];
    return waiting.reduce((sum, batch) => sum + batch.size, this.#open.size);
  }

  get unrecorded(): number {
    return this.#unrecorded;
  }

  /** For answers that left from memory before their cells were even read. */
  countUnrecorded(): void {
    this.#unrecorded++;
  }

  /** No more attempts; what waits is told that it was not recorded. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearImmediate(this.#scheduled);
    for (const batch of [...this.#inFlight, this.#open]) {
      this.#release(batch);
      batch.rejectFlushers(new Error(this.#lastError ?? "The store is closed"));
    }
  }

  /** The batch that holds what was added last; undefined when all is on disk. */
  get #latest(): Batch | undefined {
    return this.#open.empty ? this.#inFlight.at(-1) : this.#open;
  }

  #isOnDisk(id: string): boolean {
    if (this.#messageIds.has(id)) return true;
    for (const batch of this.#inFlight) if (batch.messages.has(id)) return true;
    for (const batch of this.#refused) if (batch.messages.has(id)) return true;
    return false;
  }

  #schedule(): void {
    if (this.#scheduled !== undefined || this.#inFlight.length >= inFlightMax || this.#failing || this.#closed) return;
    this.#scheduled = setImmediate(() => this.#send());
  }

  #send(): void {
    this.#scheduled = undefined;
    if (this.#inFlight.length >= inFlightMax || this.#closed) return;
    const batch = this.#open;
    if (batch.empty) {
      batch.settle(true);
      return;
    }
    this.#open = new Batch(batch.number + 1);
    this.#inFlight.push(batch);
    const { target, now } = this.#options;
    const bodies = batch.cells.length + batch.messages.size > 0 ? renderJournal(batch.cells, batch.messages) : [];
    target.commit({ batch: batch.number, bodies, decisions: [...batch.decisions.values()], now: now() }).then(
      () => this.#succeed(batch),
      (error: unknown) => this.#fail(batch, error),
    );
  }

  #recover(): void {
    if (this.writable) return;
    this.#options.log.info("store.recovered", { unrecorded: this.#unrecorded });
    this.#failing = false;
    this.#stalled = false;
    this.#retryMs = retryFirstMs;
  }

  #succeed(batch: Batch): void {
    this.#inFlight.shift();
    this.#recover();
    for (const [id, message] of batch.messages) {
      if (message === undefined) this.#messageIds.delete(id);
      else this.#messageIds.add(id);
    }
    const { number, cells } = batch;
    if (number > this.#foldedBatch) this.#unfolded.push({ number, cells });
    // First the next batch: the disk works on it while the answers of this one leave.
    this.#send();
    batch.settle(true);
  }

  /** The writer refuses every later batch until a probe, so that none of them is written before one that failed. */
  #fail(batch: Batch, error: unknown): void {
    this.#inFlight.shift();
    this.#refused.push(batch);
    this.#noteFailure(error);
    this.#release(batch);
    batch.rejectFlushers(error);
    if (this.#inFlight.length > 0) return;
    for (const refused of this.#refused.splice(0).reverse()) this.#open.takeBack(refused, decisionsMax);
    this.#retryLater();
  }

  #noteFailure(error: unknown): void {
    this.#lastError = error instanceof Error ? error.message : String(error);
    if (!this.#failing) this.#options.log.error("store.failing", { error: this.#lastError });
    this.#failing = true;
    this.#stalled = false;
    this.#release(this.#open);
    this.#open.rejectFlushers(error);
  }

  #retryLater(): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#tryAgain(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
  }

  /** A small write first: turning all that is pending into a batch is worth it only when the disk takes writes. */
  #tryAgain(): void {
    clearTimeout(this.#retry);
    if (this.#inFlight.length > 0) return;
    this.#options.target.probe().then(
      () => {
        // With nothing left to write nothing else would say so.
        if (this.#open.empty) this.#recover();
        this.#send();
      },
      (error: unknown) => {
        this.#noteFailure(error);
        this.#retryLater();
      },
    );
  }

  #stall(batch: Batch): void {
    if (batch.waiters.length === 0) return;
    this.#stalled = true;
    this.#lastError = `A commit took longer than ${answerWaitMs} ms`;
    this.#options.log.warn("store.stalled", { pending: this.pending });
    for (const waiting of [...this.#inFlight, this.#open]) this.#release(waiting);
  }

  #release(batch: Batch): void {
    this.#unrecorded += batch.waiters.length;
    batch.settle(false);
  }
}
