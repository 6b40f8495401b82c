// The journal's states become rows of `cells` and `open_messages`, in steps of about a millisecond between commits.
// A journal row goes only after all its states are in the tables, and states may be written twice: stopped anywhere, folding starts over.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type JournalCell, type JournalMessage, parseJournal } from "./journal.ts";

/** One group is folded together, each cell once: large enough to save work, small enough for memory (about 30 MB of text). */
const groupRowsMax = 20_000;
const groupBytesMax = 12 * 1024 * 1024;
/** One step each: what a commit may wait for, and what its sync has to carry to the disk besides. */
const parseBytesPerStep = 64 * 1024;
const rowsPerStep = 100;
const deletesPerStep = 50;
const sortPerStep = 1_000;

export interface JournalRow {
  readonly seq: number;
  readonly batch: number;
  readonly bytes: number;
}

export class JournalFold {
  readonly #db: DatabaseSync;
  readonly #node: string;
  readonly #readBody: StatementSync;
  readonly #putCell: StatementSync;
  readonly #dropCell: StatementSync;
  readonly #putMessage: StatementSync;
  readonly #dropMessage: StatementSync;
  readonly #dropRows: StatementSync;
  /** Rows on disk that are not folded, oldest first. */
  #rows: JournalRow[] = [];
  #bytes = 0;
  #steps: Generator<void, void> | undefined;
  #foldedBatch = 0;
  #foldedCells = 0;
  #now: number;

  constructor(db: DatabaseSync, node: string, now: number) {
    this.#db = db;
    this.#node = node;
    this.#now = now;
    this.#readBody = db.prepare("select body from journal where seq = ?");
    this.#putCell = db.prepare(
      "insert into cells (key, state, expires_at) values (?, ?, ?) on conflict (key) do update set state = excluded.state, expires_at = excluded.expires_at",
    );
    this.#dropCell = db.prepare("delete from cells where key = ?");
    this.#putMessage = db.prepare(
      "insert into open_messages (id, node, opened_at, body) values (?, ?, ?, ?) on conflict (id) do update set opened_at = excluded.opened_at, body = excluded.body",
    );
    this.#dropMessage = db.prepare("delete from open_messages where id = ?");
    this.#dropRows = db.prepare("delete from journal where seq <= ?");
    const left = db.prepare("select seq, length(body) as bytes from journal order by seq").all();
    this.#rows = left.map((row) => ({ seq: Number(row["seq"]), bytes: Number(row["bytes"]), batch: 0 }));
    for (const row of this.#rows) this.#bytes += row.bytes;
  }

  add(row: JournalRow, now: number): void {
    this.#rows.push(row);
    this.#bytes += row.bytes;
    this.#now = now;
  }

  /** How many groups wait, in whole ones and parts of one. */
  get backlog(): number {
    return Math.max(this.#rows.length / groupRowsMax, this.#bytes / groupBytesMax);
  }

  /** A group has been begun; finishing it gives its rows back. */
  get underWay(): boolean {
    return this.#steps !== undefined;
  }

  get foldedBatch(): number {
    return this.#foldedBatch;
  }

  /** Rows of cells written so far, or dropped. */
  get foldedCells(): number {
    return this.#foldedCells;
  }

  /** One small step; false when nothing is left. Throws SQLite's error, and then begins the group again. */
  step(): boolean {
    if (this.#steps === undefined && this.#rows.length === 0) return false;
    this.#steps ??= this.#foldGroup();
    try {
      if (this.#steps.next().done === true) this.#steps = undefined;
    } catch (error) {
      this.#steps = undefined;
      throw error;
    }
    return this.#rows.length > 0;
  }

  finish(): void {
    while (this.step());
  }

  *#foldGroup(): Generator<void, void> {
    const group = this.#takeGroup();
    const cells = new Map<string, JournalCell>();
    const messages = new Map<string, JournalMessage>();
    let parsedBytes = 0;
    for (const row of group) {
      const body = parseJournal(String(this.#readBody.get(row.seq)?.["body"]));
      for (const cell of body.cells) cells.set(cell[0], cell);
      for (const message of body.messages) messages.set(message[0], message);
      parsedBytes += row.bytes;
      if (parsedBytes < parseBytesPerStep) continue;
      parsedBytes = 0;
      yield;
    }
    const sorted = yield* sortInSteps([...cells.values()]);
    yield* this.#inSteps(sorted, rowsPerStep, (cell) => this.#foldCell(cell));
    yield* this.#inSteps([...messages.values()], rowsPerStep, (message) => this.#foldMessage(message));
    const seqs = group
      .map((row) => row.seq)
      .filter((_, i) => i % deletesPerStep === deletesPerStep - 1 || i === group.length - 1);
    yield* this.#inSteps(seqs, 1, (seq) => this.#dropRows.run(seq));
    this.#rows.splice(0, group.length);
    for (const row of group) this.#bytes -= row.bytes;
    this.#foldedCells += cells.size;
    this.#foldedBatch = group.at(-1)?.batch ?? this.#foldedBatch;
  }

  #takeGroup(): JournalRow[] {
    let bytes = 0;
    const end = this.#rows.findIndex((row, i) => {
      bytes += row.bytes;
      return i > 0 && (i >= groupRowsMax || bytes > groupBytesMax);
    });
    // Rows of one batch stay together: a group ends where a batch ends.
    let length = end < 0 ? this.#rows.length : end;
    while (length < this.#rows.length && this.#rows[length]?.batch === this.#rows[length - 1]?.batch) length++;
    return this.#rows.slice(0, length);
  }

  /**
   * Without a sync of its own: the next commit of a batch syncs the whole log, and a log cut short by a power loss loses
   * these writes together with the deletion of their journal rows, never one without the other.
   */
  *#inSteps<T>(items: readonly T[], perStep: number, write: (item: T) => unknown): Generator<void, void> {
    for (let at = 0; at < items.length; at += perStep) {
      this.#db.exec("pragma synchronous = normal; begin immediate");
      try {
        for (const item of items.slice(at, at + perStep)) write(item);
        this.#db.exec("commit");
      } finally {
        if (this.#db.isTransaction) this.#db.exec("rollback");
        this.#db.exec("pragma synchronous = full");
      }
      yield;
    }
  }

  #foldCell([key, expiresAt, state]: JournalCell): void {
    if (expiresAt <= this.#now) this.#dropCell.run(key);
    else this.#putCell.run(key, state, expiresAt);
  }

  #foldMessage([id, openedAt, body]: JournalMessage): void {
    if (body === undefined) this.#dropMessage.run(id);
    else this.#putMessage.run(id, this.#node, openedAt ?? 0, body);
  }
}

/**
 * In key order, so that a step's cells share pages: in the order of the questions each of them would rewrite a page of its own.
 * Sorted in pieces and merged, because a sort of the whole would hold up commits for tens of milliseconds.
 */
function* sortInSteps(cells: readonly JournalCell[]): Generator<void, JournalCell[]> {
  let runs: JournalCell[][] = [];
  for (let at = 0; at < cells.length; at += sortPerStep) {
    runs.push(cells.slice(at, at + sortPerStep).sort((a, b) => (a[0] < b[0] ? -1 : 1)));
    yield;
  }
  while (runs.length > 1) {
    const longer: JournalCell[][] = [];
    for (let i = 0; i < runs.length; i += 2) longer.push(yield* mergeInSteps(runs[i] ?? [], runs[i + 1] ?? []));
    runs = longer;
  }
  return runs[0] ?? [];
}

function* mergeInSteps(left: readonly JournalCell[], right: readonly JournalCell[]): Generator<void, JournalCell[]> {
  const merged: JournalCell[] = [];
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const [a, b] = [left[l], right[r]];
    if (b === undefined || (a !== undefined && a[0] < b[0])) l++;
    else r++;
    const next = b === undefined || (a !== undefined && a[0] < b[0]) ? a : b;
    if (next !== undefined) merged.push(next);
    if (merged.length % sortPerStep === 0) yield;
  }
  return merged;
}
