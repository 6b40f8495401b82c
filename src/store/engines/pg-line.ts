// The one connection that a node's charges go over: two round trips a batch (decided 1). It holds the node's lock for as long as it lives,
// so whoever has the lock knows that nothing of an older connection of this node is still on its way.

import type { Client } from "pg";
import { Problem } from "../../core/problem.ts";
import type { DecisionRow, StoredMessage } from "../db.ts";
import { connectPg, endPg } from "./pg-connection.ts";
import { type PgResult, type PgStatement, prepare, roundTrip } from "./pg-round-trip.ts";
import { escapeNul, numberArray, textArray, unescapeNul, withoutNul } from "./pg-text.ts";
import type { PgTarget } from "./pg-url.ts";

/** A cell that another node holds is waited for at most this long (decided 1). */
const lockTimeoutMs = 150;

/** No answer for so long: the connection is taken for dead, and another one is tried. */
const silenceMaxMs = 3_000;

/** Between the two trips only our own work happens; a node that stalls longer lets go of the cells. */
const idleInTransactionMs = 5_000;

/** For the node's lock at start: a daemon that was killed is seen by the server at once, one that lives is not. */
const nodeLockWaitMs = 3_000;
const nodeLockStepMs = 50;

/** Any number, the same for every version: the class of the advisory locks of nodes. */
export const nodeLockClass = 1_886_353_267;

const sessionSettings = `
set lock_timeout = ${lockTimeoutMs}; set statement_timeout = ${silenceMaxMs};
set idle_in_transaction_session_timeout = ${idleInTransactionMs};
-- Answered = recorded, whatever the server's default is.
select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off';
-- All is by key, and one plan serves every batch: an empty table's statistics must not choose another.
set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off;
set plan_cache_mode = force_generic_plan; set timezone = 'UTC'`;

const statements = {
  begin: "begin isolation level read committed",
  commit: "commit",
  rollback: "rollback",
  // In key order, as the locks: two nodes can wait for each other, but never in a ring.
  add: `insert into cells (key, state, expires_at) select k, '', 0 from unnest($1::text[]) k
    where not exists (select from cells c where c.key = k) order by k collate "C" on conflict do nothing`,
  // The last row's time is read when all cells are held, so it is never behind what another node booked in them.
  lock: `with held as materialized (select key, state, expires_at from cells where key = any($1::text[]) order by key for update)
    select key, state, expires_at, floor(extract(epoch from clock_timestamp()) * 1000)::bigint from held`,
  cells: `update cells c set state = u.s, expires_at = u.e from unnest($1::text[], $2::text[], $3::bigint[]) u (k, s, e) where c.key = u.k`,
  messages: `insert into open_messages (node, id, opened_at, body) select $1, i, o, b from unnest($2::text[], $3::bigint[], $4::text[]) u (i, o, b)
    on conflict (node, id) do update set opened_at = excluded.opened_at, body = excluded.body`,
  // Each id a look-up of its own (offset 0 keeps it so): a plan of the planner's choice reads all that the node ever had,
  // dead rows included, because it was made while the table was empty.
  drops: `delete from open_messages where ctid = any(array(select m.ctid from unnest($2::text[]) u (i),
    lateral (select ctid from open_messages where node = $1 and id = u.i offset 0) m))`,
  // Two nodes may give one id to two decisions: then the first one keeps it.
  decisions: `insert into decisions select * from json_populate_recordset(null::decisions, $1::json) on conflict (id) do update
    set last_at = excluded.last_at, count = excluded.count, verdict = excluded.verdict, text = excluded.text, trail = excluded.trail
    where (decisions.at, decisions.instance) = (excluded.at, excluded.instance)`,
  number: "update batches set sequence = $2::bigint where node = $1",
};

export interface LockedCells {
  /** The database's time, ms; undefined when no cell was named. */
  readonly now: number | undefined;
  /** Texts of states (cell-text.ts) of the cells that exist. */
  readonly cells: ReadonlyMap<string, { readonly state: string; readonly expiresAt: number }>;
}

export interface WriteCall {
  readonly sequence: number;
  readonly keys: readonly string[];
  readonly states: readonly string[];
  readonly expiresAt: readonly number[];
  /** Without a value: dropped. */
  readonly messages: ReadonlyMap<string, StoredMessage | undefined>;
  readonly decisions: Iterable<DecisionRow>;
}

export interface PgLineOptions {
  readonly target: PgTarget;
  readonly node: string;
  /** The server's process of the connection before this one: ended, should it still hold the node's lock. */
  readonly oldPid?: number | undefined;
}

export class PgLine {
  readonly #client: Client;
  readonly #node: string;
  readonly pid: number;
  /** The last batch of this node that is on disk. */
  readonly sequence: number;
  #lost = false;

  private constructor(client: Client, node: string, found: { readonly pid: number; readonly sequence: number }) {
    this.#client = client;
    this.#node = node;
    this.pid = found.pid;
    this.sequence = found.sequence;
    client.on("end", () => {
      this.#lost = true;
    });
  }

  /** Connects and takes the node's lock. Throws a Problem `store/locked` when another process of this name has it, or the driver's error. */
  static async connect(options: PgLineOptions): Promise<PgLine> {
    const client = await connectPg(options.target, `postvarta ${options.node}`);
    try {
      await client.query(sessionSettings);
      await takeNodeLock(client, options);
      await prepare(client, statements);
      await client.query("insert into batches (node, sequence) values ($1, 0) on conflict do nothing", [options.node]);
      const { rows } = await client.query<{ pid: number; sequence: number }>(
        "select pg_backend_pid() as pid, sequence from batches where node = $1",
        [options.node],
      );
      const [found] = rows;
      if (found === undefined) throw new Error("The node has no row in the table batches");
      return new PgLine(client, options.node, found);
    } catch (error) {
      await endPg(client);
      throw error;
    }
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Begins a transaction that holds the cells. `mayMiss`: some may have no row yet and are given one first. */
  async lock(keys: readonly string[], mayMiss: boolean): Promise<LockedCells> {
    const names = textArray(keys.map(escapeNul));
    let add = mayMiss;
    for (let attempt = 0; attempt < 3; attempt++) {
      const trip: PgStatement[] = [{ name: "begin", values: [] }];
      if (add) trip.push({ name: "add", values: [names] });
      if (keys.length > 0) trip.push({ name: "lock", values: [names] });
      const results = await this.#trip(trip);
      const rows = keys.length > 0 ? (results.at(-1)?.rows ?? []) : [];
      if (rows.length === keys.length) return readLocked(rows);
      // Some have no row, or lost it to the sweep: from the beginning, so that rows are always added before any is held.
      await this.rollback();
      add = true;
    }
    throw new Error("Cells vanish as fast as they are added");
  }

  /** Writes and commits. An error of the server leaves nothing behind; any other leaves it open whether the batch is on disk. */
  async write(call: WriteCall): Promise<void> {
    const trip: PgStatement[] = [];
    if (call.keys.length > 0) {
      const values = [textArray(call.keys.map(escapeNul)), textArray(call.states), numberArray(call.expiresAt)];
      trip.push({ name: "cells", values });
    }
    trip.push(...messageStatements(this.#node, call.messages));
    const decisions = [...call.decisions].sort((a, b) => (a.id < b.id ? -1 : 1));
    if (decisions.length > 0) trip.push({ name: "decisions", values: [JSON.stringify(decisions.map(toRow))] });
    trip.push({ name: "number", values: [this.#node, String(call.sequence)] }, { name: "commit", values: [] });
    const results = await this.#trip(trip);
    if (results.at(-2)?.tag !== "UPDATE 1") throw new Error("The node has lost its row in the table batches");
  }

  async rollback(): Promise<void> {
    await this.#trip([{ name: "rollback", values: [] }]);
  }

  async close(): Promise<void> {
    await endPg(this.#client);
  }

  /** Gives the connection up without a word. */
  drop(): void {
    this.#lost = true;
    this.#client.connection.stream.destroy();
  }

  async #trip(trip: readonly PgStatement[]): Promise<readonly PgResult[]> {
    const timer = setTimeout(() => this.drop(), silenceMaxMs);
    try {
      return await roundTrip(this.#client, trip);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function takeNodeLock(client: Client, { node, oldPid }: PgLineOptions): Promise<void> {
  const until = performance.now() + nodeLockWaitMs;
  const parameters = [nodeLockClass, node];
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(
      "select pg_try_advisory_lock($1, hashtext($2)) as held",
      parameters,
    );
    if (rows[0]?.held === true) return;
    if (performance.now() > until) break;
    if (oldPid !== undefined) {
      await client.query(
        `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = $1 and objid::bigint = (hashtext($2)::bigint & 4294967295)
          and pid = $3`,
        [...parameters, oldPid],
      );
    }
    await new Promise((resolve) => setTimeout(resolve, nodeLockStepMs));
  }
  throw new Problem(`Another Postvarta of the name ${node} uses this store`, {
    code: "store/locked",
    where: "[node] name",
    hint: "give every node that shares a store a name of its own",
  });
}

function readLocked(rows: PgResult["rows"]): LockedCells {
  const cells = new Map<string, { state: string; expiresAt: number }>();
  for (const [key, state, expiresAt] of rows) {
    // A row without a state was added for a job that then put nothing.
    if (state !== "") cells.set(unescapeNul(key ?? ""), { state: state ?? "", expiresAt: Number(expiresAt) });
  }
  const last = rows.at(-1);
  return { now: last === undefined ? undefined : Number(last[3]), cells };
}

function messageStatements(node: string, messages: WriteCall["messages"]): PgStatement[] {
  const saved: StoredMessage[] = [];
  const dropped: string[] = [];
  for (const [id, message] of messages) {
    if (message === undefined) dropped.push(escapeNul(id));
    else saved.push(message);
  }
  const trip: PgStatement[] = [];
  if (saved.length > 0) {
    const ids = textArray(saved.map((message) => escapeNul(message.id)));
    const times = numberArray(saved.map((message) => Math.floor(message.openedAt)));
    trip.push({ name: "messages", values: [node, ids, times, textArray(saved.map(({ body }) => escapeNul(body)))] });
  }
  if (dropped.length > 0) trip.push({ name: "drops", values: [node, textArray(dropped)] });
  return trip;
}

function toRow(row: DecisionRow) {
  const { lastAt, queueId, ...rest } = row;
  const whole = {
    ...rest,
    at: Math.floor(row.at),
    count: Math.floor(row.count),
    last_at: Math.floor(lastAt),
    queue_id: queueId,
  };
  return Object.fromEntries(
    Object.entries(whole).map(([name, value]) => [name, typeof value === "string" ? withoutNul(value) : value]),
  );
}
