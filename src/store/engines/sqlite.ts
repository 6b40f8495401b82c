// The embedded engine: node:sqlite behind two threads. Opens, joins the parts, and closes them.

import { stat } from "node:fs/promises";
import { getCompileCacheDir } from "node:module";
import { Kysely } from "kysely";
import type { Clock } from "../../core/clock.ts";
import { type Log, silentLog } from "../../core/log.ts";
import { LocalChanges } from "../changes.ts";
import type { Store } from "../db.ts";
import type { Tables } from "../tables.ts";
import { CellMemory } from "./cell-memory.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { ReaderCalls, StoreWorkerData, WriterCalls, WriterNote } from "./sqlite-calls.ts";
import { loadColumns, SqliteCells } from "./sqlite-cells.ts";
import { type SqlPort, sqliteDialect } from "./sqlite-dialect.ts";
import type { SqlStatement } from "./sqlite-statement.ts";
import { parseFailure, WorkerLink } from "./worker-link.ts";

/** At about 300 bytes a cell with its key. */
const maxCellsInMemoryDefault = 500_000;

/** SIGTERM leaves this long for what is not on disk. */
const closeWaitMs = 5_000;

export interface SqliteOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log?: Log;
  /** This node's name, kept beside its open messages. */
  readonly node?: string;
  readonly maxCellsInMemory?: number;
  /** For a daemon: many commits are to be expected. */
  readonly steady?: boolean;
  /** The file that a store thread starts from; it must call runStoreWorker() for our roles. */
  readonly workerEntry?: URL;
}

/** Opens the store at `path`, folded and ready. Throws a Problem: store/locked, store/unusable, store/newer. */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  const memory = new CellMemory(options.maxCellsInMemory ?? maxCellsInMemoryDefault);
  const threads = new StoreThreads(options);
  try {
    const ready = await threads.start(memory);
    if (!ready.complete) memory.markIncomplete();
    if (options.steady === true) threads.growLog();
    return new SqliteStore(options, threads, memory, ready.messageIds);
  } catch (error) {
    await threads.terminate();
    throw error;
  }
}

/** Between two parts of the log's growth. */
const growLogPauseMs = 25;

type Ready = Extract<WriterNote, { readonly kind: "ready" }>;

class SqliteStore implements Store {
  readonly engine = "sqlite";
  readonly location: string;
  readonly facts: Kysely<Tables>;
  readonly cells: SqliteCells;
  readonly changes = new LocalChanges();
  readonly #path: string;
  readonly #threads: StoreThreads;
  readonly #queue: CommitQueue;
  #closing: Promise<void> | undefined;

  constructor(options: SqliteOptions, threads: StoreThreads, memory: CellMemory, messageIds: readonly string[]) {
    this.#path = options.path;
    this.location = `sqlite:${options.path}`;
    this.#threads = threads;
    this.#queue = new CommitQueue({
      target: {
        commit: (call) => threads.writer.call("commit", call),
        probe: () => threads.writer.call("probe", undefined),
      },
      log: options.log ?? silentLog,
      now: () => options.clock.now(),
      messageIds,
    });
    threads.onFolded = (batch) => this.#queue.folded(batch);
    this.cells = new SqliteCells({
      memory,
      queue: this.#queue,
      clock: options.clock,
      source: {
        load: (keys) => threads.writer.call("load", keys),
        page: (call) => threads.reader.call("cellPage", call),
        openMessages: () => threads.writer.call("messages", undefined),
      },
    });
    this.facts = new Kysely<Tables>({ dialect: sqliteDialect(new ThreadsPort(threads)) });
  }

  async sizeBytes(): Promise<number> {
    const sizes = await Promise.all(
      [this.#path, `${this.#path}-wal`].map(async (path) => (await stat(path).catch(() => undefined))?.size ?? 0),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, closeWaitMs);
    const work = async () => {
      await this.cells.flush().catch(() => undefined);
      this.#queue.close();
      await this.#threads.close().catch(() => undefined);
    };
    await Promise.race([work(), late.promise]);
    clearTimeout(timer);
    this.#queue.close();
    await this.#threads.terminate();
  }
}

/**
 * The two workers and what the writer tells. One that has ended is replaced at the next call: the queue's attempts go on until a writer
 * takes them, and a writer that starts folds what the one before left. The reader starts when it is first needed: many a verb never does.
 */
class StoreThreads {
  readonly #entry: URL;
  readonly #data: Omit<StoreWorkerData, "role">;
  #writer: WorkerLink<WriterCalls>;
  #reader: WorkerLink<ReaderCalls> | undefined;
  onFolded: (batch: number) => void = () => {};
  #onStartNote: ((note: WriterNote) => void) | undefined;
  #copying = false;
  #closed = false;

  constructor(options: SqliteOptions) {
    this.#entry = options.workerEntry ?? findEntry();
    this.#data = {
      path: options.path,
      node: options.node ?? "local",
      now: options.clock.now(),
      cellsMax: options.maxCellsInMemory ?? maxCellsInMemoryDefault,
      compileCache: getCompileCacheDir(),
    };
    this.#writer = this.#startWriter(this.#data.cellsMax);
  }

  get writer(): WorkerLink<WriterCalls> {
    // Memory has the cells already.
    if (this.#writer.ended && !this.#closed) this.#writer = this.#startWriter(0);
    return this.#writer;
  }

  get reader(): WorkerLink<ReaderCalls> {
    if (this.#reader === undefined || (this.#reader.ended && !this.#closed)) {
      this.#reader = new WorkerLink(this.#entry, { ...this.#data, role: "store-reader" }, () => {});
    }
    return this.#reader;
  }

  #startWriter(cellsMax: number): WorkerLink<WriterCalls> {
    return new WorkerLink(this.#entry, { ...this.#data, cellsMax, role: "store-writer" }, (note) => this.#hear(note));
  }

  /** Resolves when all cells are in memory. */
  async start(memory: CellMemory): Promise<Ready> {
    const { promise, resolve, reject } = Promise.withResolvers<Ready>();
    this.#onStartNote = (note) => {
      if (note.kind === "packed") memory.addPacked(note.page);
      else if (note.kind === "cells") loadColumns(memory, note.cells);
      else if (note.kind === "ready") resolve(note);
      else if (note.kind === "unusable") reject(parseFailure(note.failure));
    };
    const ready = await promise;
    this.#onStartNote = undefined;
    return ready;
  }

  /** In the background, with pauses in which commits have the disk for themselves. Where it fails the log grows with its commits. */
  growLog(): void {
    const growPart = async () => {
      if (this.#closed || !(await this.writer.call("growLog", undefined))) return;
      await this.reader.call("syncLog", undefined);
      timer.refresh();
    };
    const timer = setTimeout(() => void growPart().catch(() => {}), growLogPauseMs).unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader?.call("close", undefined).catch(() => undefined);
    await this.#writer.call("close", undefined);
  }

  async terminate(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#reader?.terminate(), this.#writer.terminate()]);
  }

  #hear(note: WriterNote): void {
    if (note.kind === "folded") this.onFolded(note.batch);
    else if (note.kind === "wal") void this.#copyWal();
    else this.#onStartNote?.(note);
  }

  /**
   * The reader copies the bulk of the log while commits go on; the writer then copies the few pages that came meanwhile, and its next
   * commit starts the log over. Alone, the reader would never catch up with a steady load and the log would grow without end.
   */
  async #copyWal(): Promise<void> {
    if (this.#copying) return;
    this.#copying = true;
    try {
      await this.reader.call("checkpoint", undefined);
      await this.writer.call("checkpoint", undefined);
    } catch {
      // The next look at the log asks again; a disk that refuses is told by commits.
    } finally {
      this.#copying = false;
    }
  }
}

/** Of a bundle the small file beside it: a thread that starts from the whole bundle reads it all, in 15 MB and 100 ms. */
function findEntry(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./sqlite-worker-main.ts" : "./store-thread.mjs", import.meta.url);
}

/** Facts' statements to the threads. */
class ThreadsPort implements SqlPort {
  readonly #threads: StoreThreads;
  #transactions = 0;

  constructor(threads: StoreThreads) {
    this.#threads = threads;
  }

  read(statement: SqlStatement) {
    return this.#threads.reader.call("sql", statement);
  }

  write(statement: SqlStatement, transaction: number | undefined) {
    return this.#threads.writer.call("sql", { ...statement, transaction });
  }

  writeBlind(statement: SqlStatement, transaction: number) {
    this.#threads.writer.call("sql", { ...statement, transaction, blind: true }).catch(() => {});
  }

  begin() {
    const transaction = ++this.#transactions;
    return { transaction, begun: this.#threads.writer.call("begin", transaction) };
  }

  async end(transaction: number, commit: boolean) {
    await this.#threads.writer.call("end", { transaction, commit });
  }

  async *stream(statement: SqlStatement, count: number) {
    const { reader } = this.#threads;
    const stream = await reader.call("openStream", statement);
    try {
      let rows: readonly Record<string, unknown>[];
      do {
        rows = await reader.call("nextRows", { stream, count });
        if (rows.length > 0) yield rows;
      } while (rows.length === count);
    } finally {
      await reader.call("closeStream", stream);
    }
  }
}
