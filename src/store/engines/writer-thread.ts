// The writer's thread: calls in the order they come, but those of an open transaction first; small steps of upkeep in between.

import type { DatabaseSync } from "node:sqlite";
import { migrations } from "../migrations/index.ts";
import { migrate } from "../migrations/migrate.ts";
import type { CallMessage, CommitCall, ReplyMessage, StoreWorkerData, WriterCalls } from "./sqlite-calls.ts";
import { growLog, openDatabase, prepareFile, takeLock } from "./sqlite-file.ts";
import { SqlRunner } from "./sqlite-statement.ts";
import { ColumnPage, SqliteWriter } from "./sqlite-writer.ts";
import { renderFailure } from "./worker-link.ts";

/** After the last call: long enough that a steady trickle of questions is not disturbed. */
const quietMs = 100;

/** While calls come at this pace, there is one step of folding after each: more would make the next commit's sync longer. */
const busyMs = 5;

/** A fact's transaction keeps commits waiting, so it may not dawdle between two statements. */
const transactionIdleMaxMs = 2_000;

/** When the log should be copied into the database: under load (12 MB), and in a quiet moment. */
const walPagesBusy = 3_072;
const walPagesQuiet = 512;

/** Calls between two looks at the log's length. */
const callsPerWalLook = 64;

/** Cells handed over in one message at start. */
const cellsPerPage = 1_000;

/** Put together by SQLite: a row of its own for each cell would cost ten times as much. */
const pageText = `
  select count(*) as count, max(key) as last, max(instr(key, char(31)) + instr(key, char(0))) as odd,
    group_concat(key, char(31)) as keys, group_concat(state, char(31)) as states, group_concat(expires_at) as expires_at
  from (select key, expires_at, state from cells where key > ? order by key limit ?)`;
const pageRows = "select key, expires_at, state from cells where key > ? order by key limit ?";

/** What the writer's thread is joined to the others by. */
export interface WriterPort {
  readonly send: (message: ReplyMessage) => void;
  /** The next call that has arrived, without waiting. */
  readonly next: () => CallMessage | undefined;
  readonly close: () => void;
}

/** Opens, locks, migrates and folds; hands over the cells; returns what serves a call. Throws a Problem when the store cannot be used. */
export function startWriter(data: StoreWorkerData, port: WriterPort): (call: CallMessage) => void {
  const { send } = port;
  prepareFile(data.path);
  const lock = takeLock(data.path);
  const db = openDatabase(data.path);
  migrate(db, { migrations, now: data.now, path: data.path });
  const writer = new SqliteWriter(db, data.node, data.now);
  writer.settle();
  const complete = handOver(db, data.cellsMax, send);
  send({ note: { kind: "ready", complete, messageIds: writer.openMessages().map((message) => message.id) } });
  const thread = new WriterThread(data.path, db, writer, lock, port);
  return (call) => thread.serveAll(call);
}

/** All cells, or as many as fit; false when there are more. */
function handOver(db: DatabaseSync, cellsMax: number, send: WriterPort["send"]): boolean {
  const texts = db.prepare(pageText);
  let after = "";
  for (let left = cellsMax; left > 0; ) {
    const limit = Math.min(left, cellsPerPage);
    const row = texts.get(after, limit) ?? {};
    const count = Number(row["count"]);
    if (count === 0) return true;
    if (Number(row["odd"]) > 0) send({ note: { kind: "cells", cells: columnsOf(db, after, limit) } });
    else {
      const page = { keys: String(row["keys"]), states: String(row["states"]), expiresAt: String(row["expires_at"]) };
      send({ note: { kind: "packed", page: { count, ...page } } });
    }
    after = String(row["last"]);
    left -= count;
  }
  return db.prepare("select 1 from cells where key > ? limit 1").get(after) === undefined;
}

function columnsOf(db: DatabaseSync, after: string, limit: number): ColumnPage {
  const statement = db.prepare(pageRows);
  statement.setReturnArrays(true);
  const page = new ColumnPage();
  for (const row of statement.iterate(after, limit)) page.addRow(row);
  return page;
}

class WriterThread {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #writer: SqliteWriter;
  readonly #lock: DatabaseSync;
  readonly #runner: SqlRunner;
  readonly #port: WriterPort;
  /** Calls that came while a transaction had the writer; commits among them wait like everybody else. */
  #deferred: CallMessage[] = [];
  #transaction: { readonly id: number; readonly timer: NodeJS.Timeout; failure?: unknown } | undefined;
  #toldBatch = 0;
  #calls = 0;
  /** performance.now() of the last call. */
  #calledAt = 0;
  #upkeep: NodeJS.Timeout | undefined;
  #step: NodeJS.Immediate | undefined;

  constructor(path: string, db: DatabaseSync, writer: SqliteWriter, lock: DatabaseSync, port: WriterPort) {
    this.#path = path;
    this.#db = db;
    this.#writer = writer;
    this.#lock = lock;
    this.#runner = new SqlRunner(db);
    this.#port = port;
  }

  /** Serves a call and those that have arrived behind it; commits that stand together are one transaction. */
  serveAll(first: CallMessage): void {
    for (let call: CallMessage | undefined = first; call !== undefined; ) {
      if (call.kind !== "commit" || this.#transaction !== undefined) {
        this.serve(call);
        if (call.kind === "close") return this.#port.close();
        call = this.#port.next();
      } else {
        const commits = [call];
        for (call = this.#port.next(); call?.kind === "commit"; call = this.#port.next()) commits.push(call);
        this.#commit(commits);
      }
    }
  }

  #commit(calls: readonly CallMessage[]): void {
    try {
      this.#writer.commit(calls.map(({ argument }) => argument as CommitCall));
      this.#port.send({ committed: calls.map(({ id }) => id) });
    } catch (error) {
      for (const { id } of calls) this.#port.send({ id, failure: renderFailure(error) });
    }
    this.#planUpkeep();
  }

  serve(call: CallMessage): void {
    if (this.#transaction !== undefined && call.kind !== "close" && !isOfTransaction(call, this.#transaction.id)) {
      this.#deferred.push(call);
      return;
    }
    try {
      this.#port.send({ id: call.id, value: this.#answer(call) });
    } catch (error) {
      this.#port.send({ id: call.id, failure: renderFailure(error) });
    }
    // Upkeep itself; planning more after a checkpoint would never end.
    if (call.kind !== "close" && call.kind !== "checkpoint" && call.kind !== "growLog") this.#planUpkeep();
    if (this.#transaction === undefined && this.#deferred.length > 0) this.#serveDeferred();
  }

  #answer({ kind, argument }: CallMessage): WriterCalls[keyof WriterCalls][1] {
    switch (kind as keyof WriterCalls) {
      case "commit":
        return this.#writer.commit([argument as CommitCall]) as undefined;
      case "load":
        return this.#writer.load(argument as WriterCalls["load"][0]);
      case "messages":
        return this.#writer.openMessages();
      case "probe":
        return this.#writer.probe() as undefined;
      case "checkpoint":
        return this.#writer.checkpoint() as undefined;
      case "growLog":
        return growLog(this.#db, this.#path);
      case "sql":
        return this.#runStatement(argument as WriterCalls["sql"][0]);
      case "begin":
        return this.#begin(argument as WriterCalls["begin"][0]);
      case "end":
        return this.#end(argument as WriterCalls["end"][0]);
      case "close":
        return this.#close();
      default:
        throw new Error(`The writer does not know ${kind}`);
    }
  }

  #runStatement(statement: WriterCalls["sql"][0]) {
    if (statement.transaction !== this.#transaction?.id)
      throw new Error("The transaction was too slow and has been rolled back");
    this.#transaction?.timer.refresh();
    if (this.#transaction?.failure !== undefined) throw this.#transaction.failure;
    try {
      return this.#runner.run(statement);
    } catch (error) {
      if (this.#transaction !== undefined && statement.blind === true) this.#transaction.failure = error;
      throw error;
    }
  }

  #begin(id: number): undefined {
    this.#db.exec("begin immediate");
    const timer = setTimeout(() => {
      this.#finish("rollback");
      this.#serveDeferred();
    }, transactionIdleMaxMs);
    this.#transaction = { id, timer };
  }

  #end({ transaction, commit }: WriterCalls["end"][0]): undefined {
    if (transaction !== this.#transaction?.id) {
      if (commit) throw new Error("The transaction was too slow and has been rolled back");
      return;
    }
    const { failure } = this.#transaction;
    this.#finish(commit && failure === undefined ? "commit" : "rollback");
    if (commit && failure !== undefined) throw failure;
  }

  #finish(how: "commit" | "rollback"): void {
    clearTimeout(this.#transaction?.timer);
    this.#transaction = undefined;
    try {
      if (how === "commit") this.#db.exec("commit");
    } finally {
      if (this.#db.isTransaction) this.#db.exec("rollback");
    }
  }

  #serveDeferred(): void {
    const calls = this.#deferred;
    this.#deferred = [];
    // A call among them may begin a transaction; serve() then puts the rest off again, in their order.
    for (const call of calls) this.serve(call);
  }

  #close(): undefined {
    clearTimeout(this.#upkeep);
    clearImmediate(this.#step);
    try {
      if (this.#transaction !== undefined) this.#finish("rollback");
      this.#writer.close();
    } finally {
      this.#lock.close();
    }
  }

  #planUpkeep(): void {
    if (this.#transaction !== undefined) return;
    this.#calls++;
    this.#calledAt = performance.now();
    if (this.#calls % callsPerWalLook === 0) this.#lookAtWal(this.#writer.walPages().all, walPagesBusy);
    if (this.#writer.overdue) this.#planStep();
    if (this.#upkeep === undefined) this.#upkeep = setTimeout(() => this.#planStep(), quietMs);
    else this.#upkeep.refresh();
  }

  /** One step a turn of the loop, so that a commit that has come meanwhile goes first. */
  #planStep(): void {
    this.#step ??= setImmediate(() => {
      this.#step = undefined;
      if (this.#transaction === undefined) this.#upkeepStep();
    });
  }

  #upkeepStep(): void {
    try {
      const quiet = performance.now() - this.#calledAt >= busyMs;
      const more = this.#writer.upkeepStep(quiet);
      if (this.#writer.foldedBatch > this.#toldBatch) this.#tellFolded();
      if (more && (quiet || this.#writer.late)) this.#planStep();
      else if (more || !quiet) this.#upkeep?.refresh();
      else this.#lookAtWal(this.#writer.walPages().uncopied, walPagesQuiet);
    } catch {
      // The disk takes no writes: the next commit or probe meets the same error and tells it. Folding begins again after that.
    }
  }

  #tellFolded(): void {
    this.#toldBatch = this.#writer.foldedBatch;
    this.#port.send({ note: { kind: "folded", batch: this.#toldBatch } });
  }

  #lookAtWal(pages: number, pagesMax: number): void {
    if (pages > pagesMax) this.#port.send({ note: { kind: "wal", pages } });
  }
}

function isOfTransaction(call: CallMessage, id: number): boolean {
  if (call.kind !== "sql" && call.kind !== "end") return false;
  const { argument } = call;
  return typeof argument === "object" && argument !== null && "transaction" in argument && argument.transaction === id;
}
