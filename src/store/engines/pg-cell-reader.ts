// Cells and open messages as they stand in the tables, for those who only look. No question waits here.

import type pg from "pg";
import type { CellState } from "../../core/cell.ts";
import type { CellEntry, StoredMessage } from "../db.ts";
import { parseState } from "./cell-text.ts";
import { escapeNul, unescapeNul } from "./pg-text.ts";

/** The API's page (decided 17). */
const listMax = 500;

/** Open messages handed over at start; far above what one Postfix keeps open at a time. */
const openMessagesMax = 200_000;

/** Messages of other nodes taken over at a time. */
const adoptMax = 500;

interface MessageRow {
  readonly id: string;
  readonly opened_at: number;
  readonly body: string;
}

export class PgCellReader {
  readonly #pool: pg.Pool;
  readonly #node: string;

  constructor(pool: pg.Pool, node: string) {
    this.#pool = pool;
    this.#node = node;
  }

  async find(key: string, now: number): Promise<{ readonly state: CellState | undefined }> {
    const text = "select state from cells where key = $1 and expires_at > $2";
    const { rows } = await this.#pool.query<{ state: string }>(text, [escapeNul(key), Math.floor(now)]);
    const [row] = rows;
    return { state: row === undefined ? undefined : parseState(row.state) };
  }

  /** Live cells in key order, at most 500. */
  async page(call: {
    readonly prefix: string;
    readonly after?: string;
    readonly limit: number;
    readonly now: number;
  }): Promise<readonly CellEntry[]> {
    const prefix = escapeNul(call.prefix);
    const after = call.after === undefined ? "" : escapeNul(call.after);
    const { rows } = await this.#pool.query<{ key: string; state: string }>(
      `select key, state from cells where key >= $1 and starts_with(key, $1) and key > $2 and expires_at > $3 order by key limit $4`,
      [prefix, after, Math.floor(call.now), Math.min(call.limit, listMax)],
    );
    return rows.map((row) => ({ key: unescapeNul(row.key), state: parseState(row.state) }));
  }

  /** Texts of states of live cells from behind `after`, as the table has them. */
  async texts(after: string, now: number, limit: number) {
    const { rows } = await this.#pool.query<{ key: string; state: string; expires_at: number }>(
      "select key, state, expires_at from cells where key > $1 and expires_at > $2 order by key limit $3",
      [escapeNul(after), Math.floor(now), limit],
    );
    return rows.map((row) => ({ key: unescapeNul(row.key), state: row.state, expiresAt: row.expires_at }));
  }

  async messages(): Promise<readonly StoredMessage[]> {
    const { rows } = await this.#pool.query<MessageRow>(
      "select id, opened_at, body from open_messages where node = $1 order by opened_at, id limit $2",
      [this.#node, openMessagesMax],
    );
    return rows.map(toMessage);
  }

  /** A row that this node has under the same id stays where it is. */
  async adopt(openedBefore: number): Promise<readonly StoredMessage[]> {
    const { rows } = await this.#pool.query<MessageRow>(
      `update open_messages set node = $1 where (node, id) in (
        select m.node, m.id from open_messages m where m.node <> $1 and m.opened_at < $2
          and not exists (select from open_messages own where own.node = $1 and own.id = m.id)
        order by m.opened_at limit $3 for update skip locked)
      returning id, opened_at, body`,
      [this.#node, Math.floor(openedBefore), adoptMax],
    );
    return rows.map(toMessage);
  }

  /** Forgets up to 500 cells that are over, of those behind `after`; returns where to go on, or undefined at the end. */
  async sweep(after: string, now: number): Promise<string | undefined> {
    const { rows } = await this.#pool.query<{ last: string | null }>(
      `with looked as (select key from cells where key > $1 order by key limit 500),
        gone as (select c.key from cells c join looked using (key) where c.expires_at <= $2 for update of c skip locked),
        swept as (delete from cells c using gone where c.key = gone.key)
      select max(key) as last from looked`,
      [after, Math.floor(now)],
    );
    return rows[0]?.last ?? undefined;
  }
}

function toMessage({ id, opened_at, body }: MessageRow): StoredMessage {
  return { id: unescapeNul(id), openedAt: opened_at, body: unescapeNul(body) };
}
