// The shared engine: one PostgreSQL for several nodes. Opens, joins the parts, and closes them.

import { Kysely } from "kysely";
import pg from "pg";
import type { Clock } from "../../core/clock.ts";
import { type Log, silentLog } from "../../core/log.ts";
import { Problem } from "../../core/problem.ts";
import type { Store } from "../db.ts";
import { migrations } from "../migrations/index.ts";
import { migratePostgres } from "../migrations/migrate-postgres.ts";
import type { Tables } from "../tables.ts";
import { PgCellReader } from "./pg-cell-reader.ts";
import { PgCells } from "./pg-cells.ts";
import { PgChanges } from "./pg-changes.ts";
import { clientConfig, connectPg, endPg } from "./pg-connection.ts";
import { pgDialect } from "./pg-facts.ts";
import { PgLine } from "./pg-line.ts";
import { type PgTarget, parsePgUrl } from "./pg-url.ts";

/** Facts and whoever looks at cells. With the line of charges and the one that listens a node has six connections at most. */
const poolMax = 4;

/** A fact's statement may be a report; nothing waits for it but its caller. */
const factTimeoutMs = 30_000;

/** Cells seen and kept, should the database be lost: about 300 bytes each with its key. */
const maxCellsInMemoryDefault = 200_000;

/** Cells read at start before the first question, and in each step behind it. */
const warmPage = 5_000;

/** Forgetting of cells that are over. */
const sweepMs = 30_000;

/** SIGTERM leaves this long for what is not on disk. */
const closeWaitMs = 5_000;

export interface PostgresOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly log?: Log;
  /** This node's name: its open messages are its own. */
  readonly node?: string;
  readonly maxCellsInMemory?: number;
  readonly where?: string;
  /** `clock`: cells go by `clock`, for suites and replays that move time by hand. The default is the database's time. */
  readonly cellTime?: "database" | "clock";
}

/** Opens the store. Throws a Problem: store/url, store/locked, store/unusable, store/newer. */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const target = parsePgUrl(options.url, options.where);
  const node = options.node ?? "local";
  await using opened = new AsyncDisposableStack();
  try {
    await migrate(target, node, options.clock.now());
    const pool = opened.adopt(openPool(target, node), (ended) => ended.end());
    const line = opened.adopt(await PgLine.connect({ target, node }), (closed) => closed.close());
    const log = options.log ?? silentLog;
    const changes = opened.adopt(await PgChanges.start({ target, node, log }), (closed) => closed.close());
    const reader = new PgCellReader(pool, node);
    const cells = new PgCells({
      connect: (oldPid) => PgLine.connect({ target, node, oldPid }),
      ...{ line, reader, log, clock: options.clock, cellTime: options.cellTime ?? "database" },
      maxCellsInMemory: options.maxCellsInMemory ?? maxCellsInMemoryDefault,
      messageIds: (await reader.messages()).map((message) => message.id),
    });
    const store = new PostgresStore({ target, pool, changes, reader, cells });
    await store.warm(options.maxCellsInMemory ?? maxCellsInMemoryDefault);
    opened.move();
    return store;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(`PostgreSQL does not take us: ${error instanceof Error ? error.message : String(error)}`, {
      code: "store/unusable",
      where: options.where ?? target.location,
      hint: "psql with the same host, user and database says more",
    });
  }
}

async function migrate(target: PgTarget, node: string, now: number): Promise<void> {
  const client = await connectPg(target, `postvarta ${node} migration`);
  try {
    await migratePostgres(client, { migrations, now, where: target.location });
  } finally {
    await endPg(client);
  }
}

function openPool(target: PgTarget, node: string): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(target, `postvarta ${node} facts`),
    max: poolMax,
    idleTimeoutMillis: 30_000,
    statement_timeout: factTimeoutMs,
    lock_timeout: factTimeoutMs / 3,
    idle_in_transaction_session_timeout: 2 * factTimeoutMs,
    query_timeout: factTimeoutMs + 5_000,
  });
  // An idle connection that ends is replaced when one is needed; unheard, this would end the process.
  pool.on("error", () => undefined);
  return pool;
}

interface Parts {
  readonly target: PgTarget;
  readonly pool: pg.Pool;
  readonly changes: PgChanges;
  readonly reader: PgCellReader;
  readonly cells: PgCells;
}

class PostgresStore implements Store {
  readonly engine = "postgres";
  readonly location: string;
  readonly facts: Kysely<Tables>;
  readonly cells: PgCells;
  readonly changes: PgChanges;
  readonly #pool: pg.Pool;
  readonly #reader: PgCellReader;
  readonly #sweeper: NodeJS.Timeout;
  /** Where forgetting goes on. */
  #sweptTo = "";
  #closing: Promise<void> | undefined;

  constructor({ target, pool, changes, reader, cells }: Parts) {
    this.location = target.location;
    this.facts = new Kysely<Tables>({ dialect: pgDialect(pool) });
    this.cells = cells;
    this.changes = changes;
    this.#pool = pool;
    this.#reader = reader;
    this.#sweeper = setInterval(() => void this.#sweep().catch(() => undefined), sweepMs);
    this.#sweeper.unref();
  }

  async sizeBytes(): Promise<number> {
    const { rows } = await this.#pool.query<{ size: number }>("select pg_database_size(current_database()) as size");
    return rows[0]?.size ?? 0;
  }

  /** Live cells into memory, up to `max`: the first page at once, the others while questions are answered. */
  async warm(max: number): Promise<void> {
    const rest = async (after: string | undefined, left: number): Promise<void> => {
      if (after === undefined || left <= 0 || this.#closing !== undefined) return;
      await rest(await this.#warmPage(after, Math.min(left, warmPage)), left - warmPage);
    };
    const last = await this.#warmPage("", Math.min(max, warmPage));
    void rest(last, max - warmPage).catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #warmPage(after: string, limit: number): Promise<string | undefined> {
    const page = await this.#reader.texts(after, this.cells.now(), limit);
    for (const { key, state, expiresAt } of page) this.cells.remember(key, state, expiresAt);
    return page.length < limit ? undefined : page.at(-1)?.key;
  }

  async #sweep(): Promise<void> {
    do this.#sweptTo = (await this.#reader.sweep(this.#sweptTo, this.cells.now())) ?? "";
    while (this.#sweptTo !== "" && this.#closing === undefined);
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, closeWaitMs);
    await Promise.race([this.cells.flush().catch(() => undefined), late.promise]);
    clearTimeout(timer);
    await this.cells.close();
    await this.changes.close();
    await this.#pool.end();
  }
}
