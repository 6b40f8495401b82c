// Facts on SQLite: Kysely's statements, sent to whoever holds the connection.

import type { SQLInputValue } from "node:sqlite";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { SqlOutcome, SqlStatement } from "./sqlite-statement.ts";

/** Where statements go. `transaction` is a number that `begin` gave. */
export interface SqlPort {
  read(statement: SqlStatement): Promise<SqlOutcome>;
  write(statement: SqlStatement, transaction: number | undefined): Promise<SqlOutcome>;
  /** Resolves when the transaction has the writer for itself. */
  begin(): Promise<number>;
  end(transaction: number, commit: boolean): Promise<void>;
  /** Rows in pieces of `count`; the consumer may stop early. */
  stream(statement: SqlStatement, count: number): AsyncGenerator<readonly Record<string, unknown>[]>;
}

/** The dialect over a port. Selects outside a transaction go to the reader, all else to the writer. */
export function sqliteDialect(port: SqlPort): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new PortDriver(port),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

class PortDriver implements Driver {
  readonly #port: SqlPort;

  constructor(port: SqlPort) {
    this.#port = port;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PortConnection> {
    return new PortConnection(this.#port);
  }

  async beginTransaction(connection: PortConnection): Promise<void> {
    connection.transaction = await this.#port.begin();
  }

  async commitTransaction(connection: PortConnection): Promise<void> {
    await this.#end(connection, true);
  }

  async rollbackTransaction(connection: PortConnection): Promise<void> {
    await this.#end(connection, false);
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}

  async #end(connection: PortConnection, commit: boolean): Promise<void> {
    const { transaction } = connection;
    connection.transaction = undefined;
    if (transaction !== undefined) await this.#port.end(transaction, commit);
  }
}

class PortConnection implements DatabaseConnection {
  readonly #port: SqlPort;
  transaction: number | undefined;

  constructor(port: SqlPort) {
    this.#port = port;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const statement = toStatement(query);
    const outcome =
      this.transaction === undefined && isSelect(query)
        ? await this.#port.read(statement)
        : await this.#port.write(statement, this.transaction);
    return {
      rows: outcome.rows as R[],
      ...(outcome.changes !== undefined && { numAffectedRows: BigInt(outcome.changes) }),
      ...(outcome.insertId !== undefined && { insertId: BigInt(outcome.insertId) }),
    };
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    for await (const rows of this.#port.stream(toStatement(query), chunkSize)) yield { rows: rows as R[] };
  }
}

function toStatement(query: CompiledQuery): SqlStatement {
  return { sql: query.sql, parameters: query.parameters as SQLInputValue[] };
}

function isSelect(query: CompiledQuery): boolean {
  return query.query.kind === "SelectQueryNode" || (query.query.kind === "RawNode" && /^\s*select\b/i.test(query.sql));
}
