// Batches to the database over a connection that is replaced when it is lost. A batch whose outcome is unknown is looked up by its number
// before anything else happens, so that no charge is written twice (decided 1).

import type { Log } from "../../core/log.ts";
import type { PgBatch } from "./pg-batch.ts";
import { sqlState } from "./pg-connection.ts";
import type { LockedCells, PgLine } from "./pg-line.ts";

export interface PgWriterOptions {
  /** Connects, after ending what is left of the connection before. */
  readonly connect: (oldPid: number | undefined) => Promise<PgLine>;
  readonly line: PgLine;
  readonly log: Log;
  /** A batch in doubt is on disk, or is not. */
  readonly onOutcome: (batch: PgBatch, isThere: boolean) => void;
}

export class PgWriter {
  readonly #options: PgWriterOptions;
  #line: PgLine | undefined;
  #oldPid: number | undefined;
  #sequence: number;
  #inDoubt: PgBatch | undefined;
  #closed = false;

  constructor(options: PgWriterOptions) {
    this.#options = options;
    this.#line = options.line;
    this.#sequence = options.line.sequence;
  }

  /** Sent, and not known to be on disk. */
  get inDoubt(): PgBatch | undefined {
    return this.#inDoubt;
  }

  /** Resolves when there is a connection and no doubt. */
  async ready(): Promise<void> {
    if (this.#line !== undefined && !this.#line.lost) return;
    if (this.#closed) throw new Error("The store is closed");
    this.#oldPid = this.#line?.pid ?? this.#oldPid;
    this.#line = undefined;
    const line = await this.#options.connect(this.#oldPid);
    this.#line = line;
    this.#sequence = line.sequence;
    const doubt = this.#inDoubt;
    this.#inDoubt = undefined;
    if (doubt === undefined) return;
    const isThere = line.sequence >= doubt.sequence;
    this.#options.log.info("store.outcome_known", { batch: doubt.sequence, recorded: isThere });
    this.#options.onOutcome(doubt, isThere);
  }

  async lock(keys: readonly string[], mayMiss: boolean): Promise<LockedCells> {
    return this.#connected.lock(keys, mayMiss);
  }

  async write(batch: PgBatch): Promise<void> {
    if (batch.size === 0) return this.#connected.rollback();
    batch.sequence = ++this.#sequence;
    this.#inDoubt = batch;
    await this.#connected.write(batch.writeCall());
    this.#inDoubt = undefined;
  }

  /** After a failure. True when the batch is certainly not on disk. */
  fail(batch: PgBatch, error: unknown): boolean {
    const line = this.#line;
    if (sqlState(error) === undefined) line?.drop();
    else {
      // The server speaks of a statement: the transaction is open still, and nothing of it will stay.
      if (this.#inDoubt === batch) this.#sequence--;
      if (this.#inDoubt === batch) this.#inDoubt = undefined;
      line?.rollback().catch(() => line.drop());
    }
    return this.#inDoubt !== batch;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#line?.close();
  }

  get #connected(): PgLine {
    if (this.#line === undefined) throw new Error("There is no connection");
    return this.#line;
  }
}
