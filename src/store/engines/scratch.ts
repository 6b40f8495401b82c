// The engine without a disk: for tests, replays and what-if. Everything happens in the caller's thread, and is gone with the store.

import { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import type { CellState } from "../../core/cell.ts";
import type { Clock } from "../../core/clock.ts";
import { LocalChanges } from "../changes.ts";
import type { CellEntry, Cells, CellsHealth, CellView, Charged, DecisionRow, Store, StoredMessage } from "../db.ts";
import { migrations } from "../migrations/index.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Tables } from "../tables.ts";
import { CellJob } from "./cell-job.ts";
import { CellMemory } from "./cell-memory.ts";
import { compareKeys } from "./key-order.ts";
import { type SqlPort, sqliteDialect } from "./sqlite-dialect.ts";
import { SqlRunner, type SqlStatement } from "./sqlite-statement.ts";

const tidyStepsPerCharge = 4;
const listMax = 500;

/** An empty store in memory. */
export async function openScratch(clock: Clock): Promise<Store> {
  const db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: true });
  migrate(db, { migrations, now: clock.now(), path: undefined });
  const port = new LocalPort(db);
  const facts = new Kysely<Tables>({ dialect: sqliteDialect(port) });
  return {
    engine: "scratch",
    location: "scratch:",
    facts,
    cells: new ScratchCells(clock, (rows) => saveDecisions(facts, rows)),
    changes: new LocalChanges(),
    sizeBytes: async () => 0,
    [Symbol.asyncDispose]: async () => {
      if (db.isOpen) db.close();
    },
  };
}

async function saveDecisions(facts: Kysely<Tables>, rows: readonly DecisionRow[]): Promise<void> {
  for (const { lastAt, queueId, ...row } of rows) {
    await facts
      .replaceInto("decisions")
      .values({ ...row, last_at: lastAt, queue_id: queueId })
      .execute();
  }
}

class ScratchCells implements Cells {
  readonly #memory = new CellMemory(Number.POSITIVE_INFINITY);
  readonly #messages = new Map<string, StoredMessage>();
  readonly #clock: Clock;
  readonly #saveDecisions: (rows: readonly DecisionRow[]) => Promise<void>;
  readonly #job = new CellJob((key, now) => this.#memory.read(key, now));
  /** Decisions on their way into their table, in order. */
  #saving: Promise<void> = Promise.resolve();

  constructor(clock: Clock, save: (rows: readonly DecisionRow[]) => Promise<void>) {
    this.#clock = clock;
    this.#saveDecisions = save;
  }

  async charge<T>(keys: readonly string[], work: (view: CellView) => T): Promise<Charged<T>> {
    const job = this.#job;
    const now = this.#clock.now();
    const result = job.run(keys, now, work);
    for (const [i, state] of job.states.entries()) {
      const key = keys[i];
      if (state !== undefined && key !== undefined) this.#memory.write(key, state, job.expiresAt[i] ?? 0);
    }
    for (const message of job.messages) {
      if (typeof message === "string") this.#messages.delete(message);
      else this.#messages.set(message.id, message);
    }
    this.#memory.tidy(tidyStepsPerCharge, now, 0);
    if (job.decisions.length > 0) {
      const rows = [...job.decisions];
      this.#saving = this.#saving.then(() => this.#saveDecisions(rows));
      await this.#saving;
    }
    return { result, recorded: true };
  }

  async peek(key: string): Promise<CellState | undefined> {
    return this.#memory.read(key, this.#clock.now());
  }

  async list(options: {
    readonly prefix: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly CellEntry[]> {
    const now = this.#clock.now();
    const { prefix, after } = options;
    const keys: string[] = [];
    for (const { key, expiresAt } of this.#memory.all()) {
      if (expiresAt > now && key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
        keys.push(key);
    }
    keys.sort(compareKeys);
    return keys
      .slice(0, Math.min(options.limit, listMax))
      .map((key) => ({ key, state: this.#memory.read(key, now) ?? [] }));
  }

  async openMessages(): Promise<readonly StoredMessage[]> {
    return [...this.#messages.values()].sort((a, b) => a.openedAt - b.openedAt || compareKeys(a.id, b.id));
  }

  async adoptMessages(): Promise<readonly StoredMessage[]> {
    return [];
  }

  async flush(): Promise<void> {
    await this.#saving;
  }

  get health(): CellsHealth {
    return { writable: true, lastError: undefined, pending: 0, liveCells: this.#memory.size, unrecordedAnswers: 0 };
  }
}

interface LocalTransaction {
  readonly begun: Promise<void>;
  readonly ended: () => void;
  /** Of a statement whose answer nobody heard. */
  failure?: unknown;
}

/** Statements on one connection in this thread; a transaction keeps the others waiting, as the writer's thread does. */
class LocalPort implements SqlPort {
  readonly #db: DatabaseSync;
  readonly #runner: SqlRunner;
  readonly #open = new Map<number, LocalTransaction>();
  #transactions = 0;
  /** The end of the transaction that was begun last. */
  #last: Promise<void> = Promise.resolve();

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#runner = new SqlRunner(db);
  }

  async read(statement: SqlStatement) {
    return this.write(statement, undefined);
  }

  async write(statement: SqlStatement, transaction: number | undefined) {
    if (transaction !== undefined) return this.#writeIn(statement, this.#opened(transaction), false);
    for (let last: Promise<void> | undefined; last !== this.#last; ) {
      last = this.#last;
      await last;
    }
    return this.#runner.run(statement);
  }

  writeBlind(statement: SqlStatement, transaction: number) {
    this.#writeIn(statement, this.#opened(transaction), true).catch(() => {});
  }

  begin() {
    const transaction = ++this.#transactions;
    const { promise, resolve: ended } = Promise.withResolvers<void>();
    const begun = this.#last.then(() => this.#db.exec("begin immediate"));
    this.#last = promise;
    this.#open.set(transaction, { begun, ended });
    return { transaction, begun };
  }

  async end(transaction: number, commit: boolean) {
    const open = this.#opened(transaction);
    this.#open.delete(transaction);
    try {
      await open.begun.catch(() => {});
      if (commit && open.failure !== undefined) throw open.failure;
      if (commit) this.#db.exec("commit");
    } finally {
      if (this.#db.isTransaction) this.#db.exec("rollback");
      open.ended();
    }
  }

  async *stream(statement: SqlStatement, count: number) {
    const { rows } = await this.read(statement);
    for (let at = 0; at < rows.length; at += count) yield rows.slice(at, at + count);
  }

  #opened(transaction: number): LocalTransaction {
    const open = this.#open.get(transaction);
    if (open === undefined) throw new Error("The transaction is over");
    return open;
  }

  async #writeIn(statement: SqlStatement, open: LocalTransaction, isBlind: boolean) {
    await open.begun;
    if (open.failure !== undefined) throw open.failure;
    try {
      return this.#runner.run(statement);
    } catch (error) {
      if (isBlind) open.failure = error;
      throw error;
    }
  }
}
