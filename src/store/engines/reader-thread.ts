// The reader's thread: whatever may take long, so that it delays no commit: reports, pages, streams, and copying the log into the database.

import type { DatabaseSync } from "node:sqlite";
import type {
  CallMessage,
  CellColumns,
  CellPageCall,
  ReaderCalls,
  ReplyMessage,
  StoreWorkerData,
} from "./sqlite-calls.ts";
import { openDatabase, syncLog } from "./sqlite-file.ts";
import { SqlRunner, type SqlStatement } from "./sqlite-statement.ts";
import { ColumnPage } from "./sqlite-writer.ts";
import { renderFailure } from "./worker-link.ts";

/** Streams open at a time. */
const streamsMax = 16;

/** An open stream keeps the log from starting over, so one that nobody reads from is closed. */
const streamIdleMaxMs = 30_000;

interface ReaderPort {
  readonly send: (message: ReplyMessage) => void;
  readonly close: () => void;
}

/** Opens on the first call: the writer makes and migrates the file first. Returns what serves a call. */
export function startReader(data: StoreWorkerData, { send, close }: ReaderPort): (call: CallMessage) => void {
  let thread: ReaderThread | undefined;
  return (call) => {
    try {
      thread ??= new ReaderThread(data.path);
      send({ id: call.id, value: thread.answer(call) });
    } catch (error) {
      send({ id: call.id, failure: renderFailure(error) });
    }
    if (call.kind === "close") close();
  };
}

interface Stream {
  readonly rows: Iterator<Record<string, unknown>>;
  readonly timer: NodeJS.Timeout;
}

class ReaderThread {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #runner: SqlRunner;
  readonly #streams = new Map<number, Stream>();
  #lastStream = 0;

  constructor(path: string) {
    this.#path = path;
    this.#db = openDatabase(path);
    // Still allowed: checkpoints.
    this.#db.exec("pragma query_only = on");
    this.#runner = new SqlRunner(this.#db);
  }

  answer({ kind, argument }: CallMessage): ReaderCalls[keyof ReaderCalls][1] {
    switch (kind as keyof ReaderCalls) {
      case "checkpoint":
        return this.#db.exec("pragma wal_checkpoint(passive)") as undefined;
      case "syncLog":
        return syncLog(this.#path) as undefined;
      case "cellPage":
        return this.#cellPage(argument as CellPageCall);
      case "sql":
        return this.#runner.run(argument as SqlStatement);
      case "openStream":
        return this.#openStream(argument as SqlStatement);
      case "nextRows":
        return this.#nextRows(argument as ReaderCalls["nextRows"][0]);
      case "closeStream":
        return this.#closeStream(argument as number);
      case "close":
        return this.#close();
      default:
        throw new Error(`The reader does not know ${kind}`);
    }
  }

  /** Keys in order from behind `after` (or from the prefix on), as long as they start with the prefix. */
  #cellPage({ prefix, after, limit, now }: CellPageCall): CellColumns {
    const sql = `select key, expires_at, state from cells where key ${after === undefined ? ">=" : ">"} ? and key >= ? and expires_at > ? order by key`;
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    const page = new ColumnPage();
    for (const row of statement.iterate(after ?? prefix, prefix, now)) {
      if (page.keys.length === limit || !Array.isArray(row) || !String(row[0]).startsWith(prefix)) break;
      page.addRow(row);
    }
    return page;
  }

  #openStream(statement: SqlStatement): number {
    if (this.#streams.size >= streamsMax) throw new Error("Too many reports are being read at once");
    const id = ++this.#lastStream;
    const timer = setTimeout(() => this.#closeStream(id), streamIdleMaxMs);
    this.#streams.set(id, { rows: this.#runner.iterate(statement), timer });
    return id;
  }

  #nextRows({ stream, count }: ReaderCalls["nextRows"][0]): Record<string, unknown>[] {
    const open = this.#streams.get(stream);
    if (open === undefined) throw new Error("The report was not read for too long and has been closed");
    open.timer.refresh();
    const rows: Record<string, unknown>[] = [];
    while (rows.length < count) {
      const next = open.rows.next();
      if (next.done === true) {
        this.#closeStream(stream);
        break;
      }
      rows.push(next.value);
    }
    return rows;
  }

  #closeStream(id: number): undefined {
    const open = this.#streams.get(id);
    clearTimeout(open?.timer);
    open?.rows.return?.();
    this.#streams.delete(id);
  }

  #close(): undefined {
    for (const id of this.#streams.keys()) this.#closeStream(id);
    this.#db.close();
  }
}
