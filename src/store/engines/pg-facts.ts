// Facts on PostgreSQL: Kysely's statements over a small pool. A transaction that writes has the facts for itself, as on SQLite,
// so that two nodes never mix the rules of two files.

import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import type pg from "pg";

/** Any number, the same for every version: the advisory lock of fact transactions. */
const factsLock = 1_886_353_268;

export function pgDialect(pool: pg.Pool): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new FactsDriver(pool),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class FactsDriver implements Driver {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<FactsConnection> {
    return new FactsConnection(await this.#pool.connect());
  }

  /** One with an isolation level of its own only reads. */
  async beginTransaction(connection: FactsConnection, { isolationLevel }: TransactionSettings): Promise<void> {
    if (isolationLevel !== undefined) await connection.run(`begin isolation level ${isolationLevel}`);
    else await connection.run(`begin; select pg_advisory_xact_lock(${factsLock})`);
  }

  async commitTransaction(connection: FactsConnection): Promise<void> {
    await connection.run("commit");
  }

  async rollbackTransaction(connection: FactsConnection): Promise<void> {
    await connection.run("rollback");
  }

  async releaseConnection(connection: FactsConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {}
}

class FactsConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  #isBroken = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { command, rowCount, rows } = await this.#client.query(query.sql, [...query.parameters]);
    const changes = /^(INSERT|UPDATE|DELETE|MERGE)$/.test(command) ? { numAffectedRows: BigInt(rowCount ?? 0) } : {};
    return { rows: rows as R[], ...changes };
  }

  /** A cursor lives in a transaction only, so outside of one it brings its own. */
  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    const own = this.#client.getTransactionStatus() === "I";
    if (own) await this.run("begin read only");
    try {
      await this.executeQuery(
        CompiledQuery.raw(`declare rows no scroll cursor for ${query.sql}`, [...query.parameters]),
      );
      for (;;) {
        const { rows } = await this.executeQuery<R>(CompiledQuery.raw(`fetch ${Math.floor(chunkSize)} from rows`));
        if (rows.length > 0) yield { rows };
        if (rows.length < chunkSize) break;
      }
    } finally {
      await this.run(own ? "rollback" : "close rows");
    }
  }

  /** A connection that refuses this is in a state that nobody knows, and is not used again. */
  async run(text: string): Promise<void> {
    try {
      await this.#client.query(text);
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  release(): void {
    this.#client.release(this.#isBroken);
  }
}
