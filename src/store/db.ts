// The port an engine fills. Facts are rows in SQL (Kysely); cells and open messages are small states with their own road,
// because a question waits for them: read, decide by pure functions, and on disk before the answer (decided 1 and 2).

import type { Kysely } from "kysely";
import type { CellState } from "../core/cell.ts";
import type { Tables } from "./tables.ts";

/** Everything that must survive a restart. Dispose flushes and closes. */
export interface Store extends AsyncDisposable {
  readonly engine: "sqlite" | "scratch" | "postgres";
  /** Where it lives, without secrets: for status and logs. */
  readonly location: string;
  /** Facts, for everything but the road of a question. */
  readonly facts: Kysely<Tables>;
  readonly cells: Cells;
  readonly changes: Changes;
  /** Bytes on disk; 0 where it has none. */
  sizeBytes(): Promise<number>;
}

/** Cells, open messages and decision records: whatever a question changes, written in one go. */
export interface Cells {
  /**
   * Runs `work` once over the named cells, then resolves when its effects are on disk.
   * `work` is pure but for its view and is called at most once; synchronously where memory decides and all its cells are at hand.
   * `recorded` is false when the store did not take the effects within 200 ms: they hold in memory and are written as soon as possible.
   * Effects of jobs are applied in the order of the calls to `work`.
   */
  charge<T>(keys: readonly string[], work: (view: CellView) => T): Promise<Charged<T>>;
  /** The state of a cell without changing it; undefined when it was never charged or is over. */
  peek(key: string): Promise<CellState | undefined>;
  /** Live cells whose key starts with `prefix`, at most `limit` (≤ 500), keys in order, from behind `after`. */
  list(options: {
    readonly prefix: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly CellEntry[]>;
  /** This node's open messages as they were recorded, to go on with after a restart. */
  openMessages(): Promise<readonly StoredMessage[]>;
  /**
   * Takes over rows that other nodes opened before a time and did not close: they are this node's from here on, so that any node may
   * sweep what is overdue (decided 2). At most 500; none where no other node can be.
   */
  adoptMessages(openedBefore: number): Promise<readonly StoredMessage[]>;
  /** Resolves when everything charged so far is on disk (or throws the store's error). */
  flush(): Promise<void>;
  readonly health: CellsHealth;
}

export interface Charged<T> {
  readonly result: T;
  readonly recorded: boolean;
}

export interface CellEntry {
  readonly key: string;
  readonly state: CellState;
}

/** What `work` may see and change. Only keys named in the job may be read or put. */
export interface CellView {
  /** ms since the epoch by the clock that all who share the store go by: this machine's, or the database's. Charges are booked at it. */
  readonly now: number;
  get(key: string): CellState | undefined;
  /** `expiresAt`: ms since the epoch after which the state says nothing and may be forgotten. */
  put(key: string, state: CellState, expiresAt: number): void;
  saveMessage(message: StoredMessage): void;
  dropMessage(id: string): void;
  saveDecision(decision: DecisionRow): void;
}

/** An open message as the engine sees it: an id and a text that policy/message.ts makes and reads. */
export interface StoredMessage {
  /** Unique for the node: client and instance. */
  readonly id: string;
  readonly openedAt: number;
  readonly body: string;
}

/** One decision that was not a pass. Saving the same id again replaces the row (a count that grows). Times in ms. */
export interface DecisionRow {
  readonly id: string;
  readonly at: number;
  readonly lastAt: number;
  readonly count: number;
  readonly account: string;
  readonly sender: string;
  readonly recipient: string;
  readonly client: string;
  readonly queueId: string;
  readonly instance: string;
  readonly rule: string;
  readonly key: string;
  readonly verdict: string;
  readonly text: string;
  /** JSON of the whole trail. */
  readonly trail: string;
}

export interface CellsHealth {
  /** false while the store refuses writes; answers then leave from memory. */
  readonly writable: boolean;
  readonly lastError: string | undefined;
  /** Cells and messages in memory that are not on disk yet. */
  readonly pending: number;
  readonly liveCells: number;
  readonly unrecordedAnswers: number;
}

/** Facts that other parts hold compiled. Changes are numbered and told to every thread (decided 8). */
export type Fact = "rules" | "raises" | "cells" | "bans" | "trusts" | "orders";

export interface Changes {
  /** Tells every listener of this process, and other nodes where the engine has some. Resolves when local listeners are done. */
  announce(fact: Fact): Promise<void>;
  /** `listener` may be asynchronous; announce waits for it. Returns the way to stop listening. */
  onChange(listener: (fact: Fact) => void | Promise<void>): () => void;
}
