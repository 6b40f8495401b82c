// The one connection that writes: batches of the road of a question first, facts in their order, folding and forgetting in between.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { DecisionRow, StoredMessage } from "../db.ts";
import { JournalFold, type JournalRow } from "./journal-fold.ts";
import type { CellColumns, CommitCall } from "./sqlite-calls.ts";

/** Below this a quiet moment is awaited, above it folding goes on between commits. */
const foldBacklogRows = 2_000;

/** Open messages handed over at start; far above what one Postfix keeps open at a time. */
const openMessagesMax = 200_000;

/** Rows looked at in one step of forgetting. */
const sweepRows = 500;

const decisionColumns =
  "id, at, last_at, count, account, sender, recipient, client, queue_id, instance, rule, key, verdict, text, trail";

export class SqliteWriter {
  readonly #db: DatabaseSync;
  readonly #fold: JournalFold;
  readonly #insertJournal: StatementSync;
  readonly #putDecision: StatementSync;
  readonly #readCell: StatementSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  #now: number;
  /** What the last commit failed with. */
  #refusal: unknown;
  /** Where forgetting goes on. */
  #sweptTo = "";

  constructor(db: DatabaseSync, node: string, now: number) {
    this.#db = db;
    this.#now = now;
    this.#fold = new JournalFold(db, node, now);
    this.#begin = db.prepare("begin immediate");
    this.#end = db.prepare("commit");
    this.#insertJournal = db.prepare("insert into journal (body) values (?)");
    this.#putDecision = db.prepare(
      `insert or replace into decisions (${decisionColumns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#readCell = db.prepare("select key, expires_at, state from cells where key = ? and expires_at > ?");
    this.#readCell.setReturnArrays(true);
  }

  /** Before serving: everything into the tables, and what is over out of them. */
  settle(): void {
    this.#fold.finish();
    this.#db.prepare("delete from cells where expires_at <= ?").run(this.#now);
  }

  /** All in one transaction. After a failure all later ones are refused, until a probe has shown that the disk takes writes. */
  commit(calls: readonly CommitCall[]): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    const rows: JournalRow[] = [];
    try {
      this.#begin.run();
      for (const { batch, bodies, decisions, now } of calls) {
        this.#now = now;
        for (const body of bodies) {
          const seq = Number(this.#insertJournal.run(body).lastInsertRowid);
          rows.push({ seq, batch, bytes: body.length });
        }
        for (const decision of decisions) this.#writeDecision(decision);
      }
      this.#end.run();
    } catch (error) {
      this.#refusal = error;
      if (this.#db.isTransaction) this.#db.exec("rollback");
      throw error;
    }
    for (const row of rows) this.#fold.add(row, this.#now);
  }

  load(keys: readonly string[]): CellColumns {
    const columns = new ColumnPage();
    for (const key of keys) columns.addRow(this.#readCell.get(key, this.#now));
    return columns;
  }

  openMessages(): StoredMessage[] {
    this.#fold.finish();
    const rows = this.#db
      .prepare("select id, opened_at, body from open_messages order by opened_at, id limit ?")
      .all(openMessagesMax);
    return rows.map((row) => ({
      id: String(row["id"]),
      openedAt: Number(row["opened_at"]),
      body: String(row["body"]),
    }));
  }

  /** Written through to the disk, and of a size that a full one does not take. */
  probe(): void {
    this.#db.prepare("insert or replace into meta (key, value) values ('probe', ?)").run(`${this.#now}`);
    this.#refusal = undefined;
  }

  /** Work that should not wait for a quiet moment. */
  get overdue(): boolean {
    return this.#fold.underWay || this.#fold.backlogRows > foldBacklogRows;
  }

  /** One small step of folding; false when there is nothing left. */
  foldStep(): boolean {
    return this.#fold.step();
  }

  get foldedBatch(): number {
    return this.#fold.foldedBatch;
  }

  /** One small step of forgetting cells that are over; false when the walk has come to the end of the table. */
  sweepStep(): boolean {
    const last = this.#db
      .prepare("select max(key) as key from (select key from cells where key > ? order by key limit ?)")
      .get(this.#sweptTo, sweepRows)?.["key"];
    if (typeof last !== "string") {
      this.#sweptTo = "";
      return false;
    }
    this.#db
      .prepare("delete from cells where key > ? and key <= ? and expires_at <= ?")
      .run(this.#sweptTo, last, this.#now);
    this.#sweptTo = last;
    return true;
  }

  checkpoint(): void {
    this.#db.exec("pragma wal_checkpoint(passive)");
  }

  /** Pages in the log, and those among them that no checkpoint has copied (`noop` copies none). */
  walPages(): { readonly all: number; readonly uncopied: number } {
    const row = this.#db.prepare("pragma wal_checkpoint(noop)").get();
    const all = Number(row?.["log"] ?? 0);
    return { all, uncopied: all - Number(row?.["checkpointed"] ?? 0) };
  }

  close(): void {
    this.#fold.finish();
    this.#db.exec("pragma wal_checkpoint(truncate)");
    this.#db.close();
  }

  #writeDecision(row: DecisionRow): void {
    const { id, account, sender, recipient, client, queueId, instance, rule, key, verdict, text, trail } = row;
    const [at, lastAt, count] = [Math.floor(row.at), Math.floor(row.lastAt), Math.floor(row.count)];
    this.#putDecision.run(
      id,
      at,
      lastAt,
      count,
      account,
      sender,
      recipient,
      client,
      queueId,
      instance,
      rule,
      key,
      verdict,
      text,
      trail,
    );
  }
}

/** Rows of (key, expires_at, state) turned into columns. */
export class ColumnPage implements CellColumns {
  readonly keys: string[] = [];
  readonly expiresAt: number[] = [];
  readonly states: string[] = [];

  /** A row as node:sqlite gives it with setReturnArrays; undefined adds nothing. */
  addRow(row: unknown): void {
    if (!Array.isArray(row)) return;
    this.keys.push(String(row[0]));
    this.expiresAt.push(Number(row[1]));
    this.states.push(String(row[2]));
  }
}
