// Cells on SQLite: memory decides, the writer commits. A job runs inside the call when its cells are at hand; otherwise they are read first.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { CellState } from "../../core/cell.ts";
import type { Clock } from "../../core/clock.ts";
import type { CellEntry, Cells, CellsHealth, CellView, Charged, StoredMessage } from "../db.ts";
import { CellJob } from "./cell-job.ts";
import type { CellMemory, MemoryCell } from "./cell-memory.ts";
import { parseState } from "./cell-text.ts";
import type { CommitQueue } from "./commit-queue.ts";
import { compareKeys } from "./key-order.ts";
import type { CellColumns, CellPageCall } from "./sqlite-calls.ts";

/** Cells looked at for each charge, so that forgetting keeps up with any load. */
const tidyStepsPerCharge = 4;

/** A read that takes longer leaves the rest of the 200 ms to the commit. */
const loadWaitMs = 100;

/** The API's page (decided 17). */
const listMax = 500;

/** A list is put together in pieces of a fraction of a millisecond, so that no question waits for a report. */
const dirtyPerTurn = 4_000;
const entriesPerTurn = 100;

/** The reading end. All throw the store's error. */
export interface CellSource {
  load(keys: readonly string[]): Promise<CellColumns>;
  page(call: CellPageCall): Promise<CellColumns>;
  openMessages(): Promise<readonly StoredMessage[]>;
}

export interface SqliteCellsOptions {
  readonly memory: CellMemory;
  readonly queue: CommitQueue;
  readonly source: CellSource;
  readonly clock: Clock;
}

export class SqliteCells implements Cells {
  readonly #memory: CellMemory;
  readonly #queue: CommitQueue;
  readonly #source: CellSource;
  readonly #clock: Clock;
  readonly #job: CellJob;
  #round: LoadRound | undefined;

  constructor(options: SqliteCellsOptions) {
    this.#memory = options.memory;
    this.#queue = options.queue;
    this.#source = options.source;
    this.#clock = options.clock;
    this.#job = new CellJob((key, now) => this.#memory.read(key, now));
  }

  charge<T>(keys: readonly string[], work: (view: CellView) => T): Promise<Charged<T>> {
    if (!this.#atHand(keys)) return this.#chargeWhenLoaded(keys, work);
    try {
      return this.#run(keys, work);
    } catch (error) {
      return Promise.reject(error);
    } finally {
      this.#memory.tidy(tidyStepsPerCharge, this.#clock.now(), this.#queue.foldedBatch);
    }
  }

  async peek(key: string): Promise<CellState | undefined> {
    if (this.#atHand([key])) return this.#memory.read(key, this.#clock.now());
    return new Promise((resolve) => {
      this.#load([key], () => resolve(this.#memory.read(key, this.#clock.now())));
    });
  }

  /** From the table in key order, with what memory knows better laid over it. */
  async list(options: {
    readonly prefix: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly CellEntry[]> {
    const limit = Math.min(options.limit, listMax);
    const found: CellEntry[] = [];
    let { after } = options;
    while (found.length < limit) {
      const dirty = await this.#dirtyKeys(options.prefix);
      const now = this.#clock.now();
      const page = await this.#source.page({ prefix: options.prefix, after, limit, now });
      const end = page.keys.length < limit ? undefined : page.keys.at(-1);
      found.push(...(await this.#merge(page, dirty, after, end)));
      if (end === undefined) break;
      after = end;
    }
    return found.slice(0, limit);
  }

  async openMessages(): Promise<readonly StoredMessage[]> {
    await this.flush();
    return this.#source.openMessages();
  }

  async adoptMessages(): Promise<readonly StoredMessage[]> {
    return [];
  }

  flush(): Promise<void> {
    return this.#queue.flush();
  }

  get health(): CellsHealth {
    return {
      writable: this.#queue.writable,
      lastError: this.#queue.lastError,
      pending: this.#queue.pending,
      liveCells: this.#memory.size,
      unrecordedAnswers: this.#queue.unrecorded,
    };
  }

  #atHand(keys: readonly string[]): boolean {
    if (this.#memory.complete) return true;
    for (const key of keys) if (!this.#memory.has(key)) return false;
    return true;
  }

  #run<T>(keys: readonly string[], work: (view: CellView) => T): Promise<Charged<T>> {
    const job = this.#job;
    const now = this.#clock.now();
    const result = job.run(keys, now, work);
    for (let i = 0; i < job.states.length; i++) {
      const state = job.states[i];
      const key = keys[i];
      if (state !== undefined && key !== undefined)
        this.#queue.addCell(this.#memory.write(key, state, job.expiresAt[i] ?? 0));
    }
    for (const message of job.messages) this.#queue.addMessage(message);
    for (const decision of job.decisions) this.#queue.addDecision(decision);
    return this.#queue.wait(result, job.changed);
  }

  #chargeWhenLoaded<T>(keys: readonly string[], work: (view: CellView) => T): Promise<Charged<T>> {
    return new Promise((resolve, reject) => {
      this.#load(keys, (loaded) => {
        try {
          const charged = this.#run(keys, work);
          resolve(loaded ? charged : charged.then(({ result }) => this.#unrecorded(result)));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #unrecorded<T>(result: T): Charged<T> {
    this.#queue.countUnrecorded();
    return { result, recorded: false };
  }

  /**
   * Reads cells and calls `then` in the same step in which they come, before any can be forgotten again. All who ask in one turn share
   * one read, of all their keys: one that is here now may be gone by then. False when the read failed or took too long: then cells that
   * are not here count as never charged, because mail must flow.
   */
  #load(keys: readonly string[], then: (loaded: boolean) => void): void {
    if (this.#round === undefined) {
      const round: LoadRound = { keys: new Set(), waiting: [] };
      this.#round = round;
      setImmediate(() => {
        this.#round = undefined;
        this.#read(round);
      });
    }
    for (const key of keys) this.#round.keys.add(key);
    this.#round.waiting.push(then);
  }

  #read(round: LoadRound): void {
    const finish = (loaded: boolean) => {
      clearTimeout(deadline);
      for (const then of round.waiting.splice(0)) then(loaded);
    };
    const deadline = setTimeout(() => setImmediate(finish, false), loadWaitMs);
    this.#source.load([...round.keys]).then(
      (cells) => {
        loadColumns(this.#memory, cells);
        finish(true);
        this.#memory.tidy(2 * cells.keys.length, this.#clock.now(), this.#queue.foldedBatch);
      },
      () => finish(false),
    );
  }

  /** Keys that the table may not know yet. */
  async #dirtyKeys(prefix: string): Promise<Set<string>> {
    const keys = new Set<string>();
    let looked = 0;
    for (const { key } of this.#queue.unfoldedCells()) {
      if (key.startsWith(prefix)) keys.add(key);
      if (++looked % dirtyPerTurn === 0) await nextTurn();
    }
    return keys;
  }

  /** `end` is the last key of a full page: what lies behind it belongs to a later one. */
  async #merge(
    page: CellColumns,
    dirty: ReadonlySet<string>,
    after: string | undefined,
    end: string | undefined,
  ): Promise<CellEntry[]> {
    // Taken in one go: memory may forget a cell in the turns that follow.
    const found = new Map<string, MemoryCell | StoredCell>();
    for (let i = 0; i < page.keys.length; i++) {
      const key = page.keys[i] ?? "";
      const stored = { state: page.states[i] ?? "", expiresAt: page.expiresAt[i] ?? 0 };
      found.set(key, this.#memory.findUsed(key) ?? stored);
    }
    for (const key of dirty) {
      if (after !== undefined && compareKeys(key, after) <= 0) continue;
      const cell = end === undefined || compareKeys(key, end) <= 0 ? this.#memory.findUsed(key) : undefined;
      if (cell !== undefined) found.set(key, cell);
    }
    const entries: CellEntry[] = [];
    for (const [i, key] of [...found.keys()].sort(compareKeys).entries()) {
      if (i % entriesPerTurn === entriesPerTurn - 1) await nextTurn();
      const cell = found.get(key);
      if (cell === undefined || cell.expiresAt <= this.#clock.now()) continue;
      entries.push({ key, state: typeof cell.state === "string" ? parseState(cell.state) : cell.state });
    }
    return entries;
  }
}

interface StoredCell {
  readonly state: string;
  readonly expiresAt: number;
}

/** One read of missing cells and all who wait for it. */
interface LoadRound {
  readonly keys: Set<string>;
  readonly waiting: ((loaded: boolean) => void)[];
}

/** Cells that crossed from a worker, into memory. */
export function loadColumns(memory: CellMemory, cells: CellColumns): void {
  for (let i = 0; i < cells.keys.length; i++) {
    memory.load(cells.keys[i] ?? "", cells.states[i] ?? "", cells.expiresAt[i] ?? 0);
  }
}
