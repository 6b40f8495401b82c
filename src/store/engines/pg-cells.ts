// Cells on PostgreSQL: a batch locks its cells, the jobs run on what is found there, and the batch is written and committed (decided 1).
// While the database does not answer in time, jobs run on what was last seen, and what they changed is put together with what other
// nodes charged as soon as it answers again (decided 4).

import type { CellState } from "../../core/cell.ts";
import { mergeStates } from "../../core/cell-merge.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { CellEntry, Cells, CellsHealth, CellView, Charged, StoredMessage } from "../db.ts";
import { CellJob } from "./cell-job.ts";
import { CellMemory } from "./cell-memory.ts";
import { answerWaitMs } from "./commit-queue.ts";
import { Flushers } from "./flushers.ts";
import { PgBatch } from "./pg-batch.ts";
import type { PgCellReader } from "./pg-cell-reader.ts";
import { backOffMs } from "./pg-connection.ts";
import { PgCall, type PgJob } from "./pg-job.ts";
import type { LockedCells, PgLine } from "./pg-line.ts";
import { stateOf, Unwritten } from "./pg-unwritten.ts";
import { PgWriter } from "./pg-writer.ts";

/** Keep a transaction, and with it the time that others wait for its cells, short. */
const jobsPerBatchMax = 500;
const unwrittenPerBatchMax = 2_000;

/** Cells looked at for each charge, so that forgetting keeps up with any load. */
const tidyStepsPerCharge = 4;

/** A timer that comes so much early has done its waiting. */
const timerSlackMs = 5;

export interface PgCellsOptions {
  /** Connects, after ending what is left of the connection before. */
  readonly connect: (oldPid: number | undefined) => Promise<PgLine>;
  readonly line: PgLine;
  readonly reader: PgCellReader;
  readonly clock: Clock;
  /** `clock`: cells go by this machine's clock, for suites and replays that move it by hand. */
  readonly cellTime: "database" | "clock";
  readonly log: Log;
  readonly maxCellsInMemory: number;
  /** Ids of this node's open messages on disk. */
  readonly messageIds: readonly string[];
}

export class PgCells implements Cells {
  readonly #options: PgCellsOptions;
  readonly #memory: CellMemory;
  readonly #job: CellJob;
  readonly #unwritten = new Unwritten();
  readonly #messageIds: Set<string>;
  readonly #writer: PgWriter;
  /** The database's clock minus ours. */
  #offsetMs = 0;
  #queue: PgJob[] = [];
  #batch: PgBatch | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #attempt = 0;
  #failing = false;
  #stalled = false;
  #closed = false;
  #lastError: string | undefined;
  #unrecorded = 0;
  readonly #flushers = new Flushers();

  constructor(options: PgCellsOptions) {
    this.#options = options;
    this.#memory = new CellMemory(options.maxCellsInMemory);
    this.#job = new CellJob((key, now) => this.#memory.read(key, now));
    this.#messageIds = new Set(options.messageIds);
    const { connect, line, log } = options;
    this.#writer = new PgWriter({ connect, line, log, onOutcome: (batch, isThere) => this.#learn(batch, isThere) });
  }

  charge<T>(keys: readonly string[], work: (view: CellView) => T): Promise<Charged<T>> {
    const job = new PgCall(keys, work);
    if (!this.#writable || this.#closed) {
      this.#runFromMemory(job);
      return job.promise;
    }
    this.#queue.push(job);
    this.#schedule();
    this.#deadline ??= setTimeout(() => this.#lookAtTime(), answerWaitMs);
    return job.promise;
  }

  async peek(key: string): Promise<CellState | undefined> {
    if (!this.#writable || this.#unwritten.cells.has(key)) return this.#memory.read(key, this.now());
    const found = await this.#options.reader.find(key, this.now()).catch(() => undefined);
    return found === undefined ? this.#memory.read(key, this.now()) : found.state;
  }

  /** From the table; what is not written yet stands as it is in memory. Throws the database's error. */
  async list(options: {
    readonly prefix: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly CellEntry[]> {
    const entries = await this.#options.reader.page({ ...options, now: this.now() });
    return entries.map((entry) =>
      this.#unwritten.cells.has(entry.key)
        ? { key: entry.key, state: stateOf(this.#memory.find(entry.key)) ?? entry.state }
        : entry,
    );
  }

  async openMessages(): Promise<readonly StoredMessage[]> {
    await this.flush();
    return this.#options.reader.messages();
  }

  async adoptMessages(openedBefore: number): Promise<readonly StoredMessage[]> {
    const rows = await this.#options.reader.adopt(openedBefore);
    for (const { id } of rows) this.#messageIds.add(id);
    return rows;
  }

  flush(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    const done = this.#flushers.add();
    if (this.#failing) this.#tryAgain();
    return done;
  }

  get health(): CellsHealth {
    return {
      writable: this.#writable,
      lastError: this.#lastError,
      pending: this.#unwritten.size + (this.#batch?.size ?? 0) + (this.#writer.inDoubt?.size ?? 0),
      liveCells: this.#memory.size,
      unrecordedAnswers: this.#unrecorded,
    };
  }

  /** The time that cells go by, as far as it is known. */
  now(): number {
    return this.#options.clock.now() + this.#offsetMs;
  }

  /** A cell as it was seen in the table: something to go on from should the database be lost. */
  remember(key: string, state: string, expiresAt: number): void {
    this.#memory.load(key, state, expiresAt);
  }

  /** No more attempts; what waits is told that it was not recorded. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#deadline);
    clearImmediate(this.#scheduled);
    this.#releaseAll();
    this.#flushers.reject(new Error(this.#lastError ?? "The store is closed"));
    await this.#writer.close();
  }

  get #writable(): boolean {
    return !this.#failing && !this.#stalled;
  }

  get #isIdle(): boolean {
    return (
      this.#queue.length === 0 &&
      this.#batch === undefined &&
      this.#writer.inDoubt === undefined &&
      this.#unwritten.size === 0
    );
  }

  #schedule(): void {
    if (this.#scheduled !== undefined || this.#batch !== undefined || this.#failing || this.#closed) return;
    this.#scheduled = setImmediate(() => this.#begin());
  }

  #begin(): void {
    this.#scheduled = undefined;
    if (this.#batch !== undefined || this.#closed) return;
    const batch = new PgBatch(this.#queue.splice(0, jobsPerBatchMax), firstOf(this.#unwritten.cells.keys()));
    this.#batch = batch;
    this.#carry(batch).then(
      () => this.#succeed(batch),
      (error: unknown) => this.#fail(batch, error),
    );
  }

  async #carry(batch: PgBatch): Promise<void> {
    await this.#writer.ready();
    const keys = [...batch.keys];
    const mayMiss = keys.some((key) => !this.#memory.has(key));
    const locked = await this.#writer.lock(keys, mayMiss);
    if (this.#options.cellTime === "database" && locked.now !== undefined) {
      this.#offsetMs = locked.now - this.#options.clock.now();
    }
    const now = this.now();
    this.#fill(batch, locked, now);
    this.#takeUnwritten(batch);
    for (const job of batch.jobs) {
      if (!job.run(this.#job, now)) continue;
      this.#collect(batch, job, now);
      batch.waiting.push(job);
    }
    batch.jobs = [];
    await this.#writer.write(batch);
  }

  /** What became of a batch that was on its way when the connection was lost. */
  #learn(batch: PgBatch, isThere: boolean): void {
    if (isThere) this.#recorded(batch);
    else this.#unwritten.takeBack(batch.bases, batch);
    for (const key of firstOf(this.#unwritten.cells.keys())) this.#batch?.keys.add(key);
  }

  /** What was found goes into memory; a cell that memory changed meanwhile gets the charges of both. */
  #fill(batch: PgBatch, locked: LockedCells, now: number): void {
    for (const key of batch.keys) {
      const found = locked.cells.get(key);
      const left = this.#unwritten.cells.get(key);
      if (left === undefined) {
        const cell = this.#memory.write(key, [], found?.expiresAt ?? 0);
        if (found !== undefined) cell.state = found.state;
        continue;
      }
      const mine = this.#memory.find(key);
      const theirs =
        found === undefined
          ? undefined
          : { expiresAt: found.expiresAt, state: stateOf({ ...found, key, batch: 0, used: true }) };
      const isLive = theirs !== undefined && theirs.expiresAt > now;
      batch.bases.set(key, { state: theirs?.state, since: left.since });
      const state = mergeStates({
        base: left.state,
        mine: stateOf(mine) ?? [],
        theirs: isLive ? theirs.state : undefined,
        since: left.since,
      });
      const expiresAt = Math.max(mine?.expiresAt ?? 0, isLive && state !== stateOf(mine) ? theirs.expiresAt : 0);
      batch.changed.set(key, this.#memory.write(key, state, expiresAt));
      this.#unwritten.cells.delete(key);
    }
  }

  #takeUnwritten(batch: PgBatch): void {
    for (const [id, message] of this.#unwritten.messages) batch.messages.set(id, message);
    for (const [id, decision] of this.#unwritten.decisions) batch.decisions.set(id, decision);
    this.#unwritten.messages.clear();
    this.#unwritten.decisions.clear();
  }

  /** The effects of the job that has just run into the batch, or into memory alone. */
  #collect(batch: PgBatch | undefined, job: PgJob, now: number): void {
    const { states, expiresAt, messages, decisions } = this.#job;
    for (let i = 0; i < states.length; i++) {
      const state = states[i];
      const key = job.keys[i];
      if (state === undefined || key === undefined) continue;
      if (batch === undefined) this.#unwritten.leave(this.#memory, key, now);
      else this.#keepBase(batch, key, now);
      const cell = this.#memory.write(key, state, expiresAt[i] ?? 0);
      // What is not written may not leave memory.
      cell.batch = 1;
      batch?.changed.set(key, cell);
    }
    const target = batch ?? this.#unwritten;
    for (const message of messages) this.#addMessage(target, message);
    for (const decision of decisions) {
      if (target === this.#unwritten) this.#unwritten.addDecision(decision);
      else target.decisions.set(decision.id, decision);
    }
  }

  /** What the database has for a cell that a job of the batch changes for the first time. */
  #keepBase(batch: PgBatch, key: string, now: number): void {
    if (batch.changed.has(key)) return;
    batch.bases.set(key, { state: stateOf(this.#memory.find(key)), since: now });
  }

  #addMessage(target: PgBatch | Unwritten, change: StoredMessage | string): void {
    if (typeof change !== "string") {
      if (target instanceof Unwritten) target.addMessage(change.id, change);
      else target.messages.set(change.id, change);
      return;
    }
    // One that never got there leaves nothing to delete.
    const isThere =
      this.#messageIds.has(change) ||
      this.#batch?.messages.has(change) === true ||
      this.#writer.inDoubt?.messages.has(change) === true;
    if (isThere) target.messages.set(change, undefined);
    else target.messages.delete(change);
  }

  #runFromMemory(job: PgJob): void {
    const now = this.now();
    if (!job.run(this.#job, now)) return;
    const { changed } = this.#job;
    if (changed) {
      this.#collect(undefined, job, now);
      this.#unrecorded++;
    }
    job.settle(!changed);
    this.#memory.tidy(tidyStepsPerCharge, now, 0);
  }

  #succeed(batch: PgBatch): void {
    this.#batch = undefined;
    this.#attempt = 0;
    this.#recorded(batch);
    // What is left fits into the next batch, together with the jobs that come.
    if (!this.#writable && this.#unwritten.cells.size <= unwrittenPerBatchMax) {
      this.#options.log.info("store.recovered", { unrecorded: this.#unrecorded, forgotten: this.#unwritten.forgotten });
      this.#failing = false;
      this.#stalled = false;
    }
    this.#memory.tidy(tidyStepsPerCharge * batch.keys.size, this.now(), 0);
    if (this.#unwritten.size === 0) this.#flushers.settle(this.#queue[0]?.calledAt ?? Number.POSITIVE_INFINITY);
    if (this.#failing) this.#begin();
    else if (!this.#isIdle) this.#schedule();
  }

  #recorded(batch: PgBatch): void {
    for (const [key, cell] of batch.changed) if (!this.#unwritten.cells.has(key)) cell.batch = 0;
    for (const [id, message] of batch.messages) {
      if (message === undefined) this.#messageIds.delete(id);
      else this.#messageIds.add(id);
    }
    batch.settle(true);
  }

  #fail(batch: PgBatch, error: unknown): void {
    this.#batch = undefined;
    this.#lastError = error instanceof Error ? error.message : String(error);
    if (!this.#failing) this.#options.log.error("store.failing", { error: this.#lastError });
    this.#failing = true;
    this.#stalled = false;
    this.#unrecorded += batch.waiting.length;
    batch.settle(false);
    if (this.#writer.inDoubt !== batch) this.#unwritten.takeBack(batch.bases, batch);
    for (const job of batch.jobs) this.#runFromMemory(job);
    batch.jobs = [];
    this.#releaseAll();
    this.#flushers.reject(error);
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#tryAgain(), backOffMs(this.#attempt++));
  }

  #tryAgain(): void {
    clearTimeout(this.#retry);
    // With nothing to write an empty batch asks whether the database is there.
    this.#begin();
  }

  /** 200 ms after a call (decided 4). What has come in meanwhile is looked at first: it may be us who were late. */
  #lookAtTime(): void {
    this.#deadline = undefined;
    setImmediate(() => {
      const oldest = this.#oldest;
      if (oldest === undefined || this.#closed) return;
      const left = answerWaitMs - (performance.now() - oldest.calledAt);
      if (left > timerSlackMs) this.#deadline ??= setTimeout(() => this.#lookAtTime(), left);
      else this.#stall();
    });
  }

  get #oldest(): PgJob | undefined {
    return this.#batch?.waiting[0] ?? this.#batch?.jobs[0] ?? this.#queue[0];
  }

  #stall(): void {
    this.#stalled = true;
    this.#lastError = `The database took longer than ${answerWaitMs} ms`;
    this.#options.log.warn("store.stalled", { waiting: this.#queue.length });
    this.#releaseAll();
  }

  /** Everybody who waits gets an answer: from what has run, or from memory. */
  #releaseAll(): void {
    const batch = this.#batch;
    if (batch !== undefined) {
      this.#unrecorded += batch.waiting.length;
      batch.settle(false);
      const { jobs } = batch;
      batch.jobs = [];
      for (const job of jobs) this.#runFromMemory(job);
    }
    const queue = this.#queue;
    this.#queue = [];
    for (const job of queue) this.#runFromMemory(job);
  }
}

function* firstOf(keys: Iterable<string>): Generator<string> {
  let count = 0;
  for (const key of keys) {
    if (count++ >= unwrittenPerBatchMax) return;
    yield key;
  }
}
