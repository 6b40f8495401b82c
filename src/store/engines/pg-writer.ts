// Batches to the database over a connection that is replaced when it is lost. A batch whose outcome is unknown is looked up by its number
// before anything else happens, so that no charge is written twice (decided 1).

import type { Log } from "../../core/log.ts";
import type { PgBatch } from "./pg-batch.ts";
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
    const line = this.#connected;
    return line.lock(keys, mayMiss).catch(async (error: unknown) => {
      await undo(line);
      throw error;
    });
  }

  /** When it throws and the batch is not in doubt, nothing of it is on disk. */
  async write(batch: PgBatch): Promise<void> {
    const line = this.#connected;
    if (batch.size === 0) return line.rollback();
    batch.sequence = ++this.#sequence;
    this.#inDoubt = batch;
    try {
      await line.write(batch.writeCall());
      this.#inDoubt = undefined;
    } catch (error) {
      if (await undo(line)) {
        this.#sequence--;
        this.#inDoubt = undefined;
      }
      throw error;
    }
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

/**
 * After a failure. True when the connection still answers: then what failed was a statement, and nothing of the transaction stays.
 * What the error itself says is in the server's language, and a COMMIT whose answer is lost says nothing.
 */
async function undo(line: PgLine): Promise<boolean> {
  if (line.lost) return false;
  try {
    await line.rollback();
    return true;
  } catch {
    line.drop();
    return false;
  }
}
