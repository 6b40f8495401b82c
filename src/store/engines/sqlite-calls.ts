// What the engine asks its two workers, and what they tell: the words on the wire between threads.

import type { ProblemCode } from "../../core/problem.ts";
import type { DecisionRow, StoredMessage } from "../db.ts";
import type { SqlOutcome, SqlStatement } from "./sqlite-statement.ts";

/** What a worker is started with. */
export interface StoreWorkerData {
  readonly role: "store-writer" | "store-reader";
  readonly path: string;
  readonly node: string;
  readonly now: number;
  /** Cells the writer hands over at start. */
  readonly cellsMax: number;
  /** Directory of the compile cache, where the starting thread has one. */
  readonly compileCache: string | undefined;
}

/** One transaction: journal rows, and the decisions beside them. */
export interface CommitCall {
  readonly batch: number;
  readonly bodies: readonly string[];
  readonly decisions: readonly DecisionRow[];
  readonly now: number;
}

/** Cells as columns, which cross between threads at a fraction of the cost of objects. `states` are JSON texts. */
export interface CellColumns {
  readonly keys: readonly string[];
  readonly expiresAt: readonly number[];
  readonly states: readonly string[];
}

/** A thousand cells as three texts: keys and states divided by packed-cells.ts's mark, which stands in none of them, ends by commas. */
export interface PackedPage {
  readonly count: number;
  readonly keys: string;
  readonly states: string;
  readonly expiresAt: string;
}

export interface CellPageCall {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
  readonly now: number;
}

/** Calls of the writer, as [argument, answer]. */
export interface WriterCalls {
  commit: [CommitCall, undefined];
  load: [readonly string[], CellColumns];
  messages: [undefined, readonly StoredMessage[]];
  /** A small durable write: throws while the disk takes none. */
  probe: [undefined, undefined];
  checkpoint: [undefined, undefined];
  /** Makes the log ready for many commits, a part at a time, for the reader to sync; false when there is nothing left to do. */
  growLog: [undefined, boolean];
  /** Blind: nobody hears the answer, so a failure is kept for the next one of its transaction. */
  sql: [SqlStatement & { readonly transaction: number | undefined; readonly blind?: true }, SqlOutcome];
  /** The transaction's number; answers once it has the writer. */
  begin: [number, undefined];
  end: [{ readonly transaction: number; readonly commit: boolean }, undefined];
  close: [undefined, undefined];
}

/** Calls of the reader. */
export interface ReaderCalls {
  checkpoint: [undefined, undefined];
  syncLog: [undefined, undefined];
  cellPage: [CellPageCall, CellColumns];
  sql: [SqlStatement, SqlOutcome];
  openStream: [SqlStatement, number];
  /** The next rows; fewer than `count` when it is the end, and then the stream is closed. */
  nextRows: [{ readonly stream: number; readonly count: number }, readonly Record<string, unknown>[]];
  closeStream: [number, undefined];
  close: [undefined, undefined];
}

/** What the writer tells unasked. */
export type WriterNote =
  /** A page of cells at start. */
  | { readonly kind: "packed"; readonly page: PackedPage }
  /** The same where a key holds the mark that divides a packed page. */
  | { readonly kind: "cells"; readonly cells: CellColumns }
  /** The store is open; false when there are more cells than were handed over. */
  | { readonly kind: "ready"; readonly complete: boolean; readonly messageIds: readonly string[] }
  | { readonly kind: "unusable"; readonly failure: Failure }
  /** All batches up to this one stand in the tables. */
  | { readonly kind: "folded"; readonly batch: number }
  /** The log has grown: time for a checkpoint. */
  | { readonly kind: "wal"; readonly pages: number };

/** An error as it crosses between threads. */
export interface Failure {
  readonly message: string;
  readonly problem?: {
    readonly code: ProblemCode;
    readonly where: string | undefined;
    readonly hint: string | undefined;
  };
}

export interface CallMessage {
  readonly id: number;
  readonly kind: string;
  readonly argument: unknown;
}

export type ReplyMessage =
  | { readonly id: number; readonly value: unknown }
  /** Commits that were one transaction, in their order. */
  | { readonly committed: readonly number[] }
  | { readonly id: number; readonly failure: Failure }
  | { readonly note: WriterNote };
