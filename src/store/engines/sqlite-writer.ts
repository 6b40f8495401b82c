// The one connection that writes: batches of the road of a question first, facts in their order, folding and forgetting in between.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { DecisionRow, StoredMessage } from "../db.ts";
import { JournalFold, type JournalRow } from "./journal-fold.ts";
import type { CellColumns, CommitCall } from "./sqlite-calls.ts";

/** Groups that wait before folding takes more than its share: a start after a crash has to fold them all. */
const lateBacklog = 1.5;

/** Open messages handed over at start; far above what one Postfix keeps open at a time. */
const openMessagesMax = 200_000;

/** Rows looked at in one step of forgetting, and for each that was folded: so that forgetting keeps up with what is added. */
const sweepRows = 500;
const sweepRowsPerFolded = 2;

const decisionColumns =
  "id, at, last_at, count, account, sender, recipient, client, queue_id, instance, rule, key, verdict, text, trail";

export class SqliteWriter {
  readonly #db: DatabaseSync;
  readonly #fold: JournalFold;
  readonly #insertJournal: StatementSync;
  readonly #putDecision: StatementSync;
  readonly #readCell: StatementSync;
  readonly #findEnd: StatementSync;
  readonly #forget: StatementSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  #now: number;
  /** What the last commit failed with. */
  #refusal: unknown;
  #unsweptRows = 0;
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
    this.#findEnd = db.prepare(
      "select max(key) as key from (select key from cells where key > ? order by key limit ?)",
    );
    this.#forget = db.prepare("delete from cells where key > ? and key <= ? and expires_at <= ?");
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
    return this.#foldIsDue || this.#unsweptRows > 0;
  }

  /** A whole group waits, or one was begun. */
  get #foldIsDue(): boolean {
    return this.#fold.underWay || this.#fold.backlog >= 1;
  }

  /** Folding does not keep up with the commits. */
  get late(): boolean {
    return this.#fold.backlog >= lateBacklog;
  }

  /** One small step of folding, or of forgetting behind it; `quiet`: also of what could wait. False when there is nothing left. */
  upkeepStep(quiet: boolean): boolean {
    const folds = this.#foldIsDue || (quiet && this.#fold.backlog > 0);
    if (folds) this.#foldStep();
    else if (this.#unsweptRows > 0) this.#sweepStep();
    return this.overdue || (quiet && this.#fold.backlog > 0);
  }

  #foldStep(): void {
    const before = this.#fold.foldedCells;
    this.#fold.step();
    const folded = this.#fold.foldedCells - before;
    if (folded > 0) this.#unsweptRows += sweepRows + sweepRowsPerFolded * folded;
  }

  get foldedBatch(): number {
    return this.#fold.foldedBatch;
  }

  /** Forgets cells that are over among the next rows. At the end of the table all is swept that had to be. */
  #sweepStep(): void {
    const last = this.#findEnd.get(this.#sweptTo, sweepRows)?.["key"];
    this.#unsweptRows -= sweepRows;
    if (typeof last !== "string") {
      this.#sweptTo = "";
      this.#unsweptRows = 0;
      return;
    }
    // As in folding: the next commit's sync carries it, and what a power loss brings back is forgotten again.
    this.#db.exec("pragma synchronous = normal");
    try {
      this.#forget.run(this.#sweptTo, last, this.#now);
    } finally {
      this.#db.exec("pragma synchronous = full");
    }
    this.#sweptTo = last;
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
