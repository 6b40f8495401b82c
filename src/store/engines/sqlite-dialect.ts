// Facts on SQLite: Kysely's statements, sent to whoever holds the connection. A way to the writer's thread and back takes longer than most
// statements, so a transaction waits for answers only where there is something to hear.

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
  type ValuesNode,
} from "kysely";
import type { SqlOutcome, SqlStatement } from "./sqlite-statement.ts";

/** Where statements go. `transaction` is a number that `begin` gave. */
export interface SqlPort {
  read(statement: SqlStatement): Promise<SqlOutcome>;
  write(statement: SqlStatement, transaction: number | undefined): Promise<SqlOutcome>;
  /** The transaction's number at once; `begun` resolves when it has the writer for itself. What is sent meanwhile waits there. */
  begin(): { readonly transaction: number; readonly begun: Promise<unknown> };
  /** As write, without an answer: a failure is that of the next answer of this transaction, which then cannot be committed. */
  writeBlind(statement: SqlStatement, transaction: number): void;
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
    connection.open = { ...this.#port.begin(), blind: 0 };
    connection.open.begun.catch(() => {});
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
    const { open } = connection;
    connection.open = undefined;
    if (open !== undefined)
      await Promise.all([commit ? open.begun : undefined, this.#port.end(open.transaction, commit)]);
  }
}

interface OpenTransaction {
  readonly transaction: number;
  readonly begun: Promise<unknown>;
  /** Statements sent without waiting. */
  blind: number;
}

/** What waits between the threads stays small. */
const blindMax = 64;
const blindParametersMax = 1_000;

class PortConnection implements DatabaseConnection {
  readonly #port: SqlPort;
  open: OpenTransaction | undefined;

  constructor(port: SqlPort) {
    this.#port = port;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const statement = toStatement(query);
    const rows = rowsInserted(query);
    if (this.open !== undefined && rows !== undefined && this.open.blind < blindMax) {
      this.open.blind++;
      this.#port.writeBlind(statement, this.open.transaction);
      return { rows: [], numAffectedRows: BigInt(rows) };
    }
    return resultOf(await this.#ask(statement, query));
  }

  async #ask(statement: SqlStatement, query: CompiledQuery): Promise<SqlOutcome> {
    if (this.open === undefined)
      return isSelect(query) ? this.#port.read(statement) : this.#port.write(statement, undefined);
    const [outcome] = await Promise.all([this.#port.write(statement, this.open.transaction), this.open.begun]);
    return outcome;
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    for await (const rows of this.#port.stream(toStatement(query), chunkSize)) yield { rows: rows as R[] };
  }
}

function resultOf<R>({ rows, changes, insertId }: SqlOutcome): QueryResult<R> {
  return {
    rows: rows as R[],
    ...(changes !== undefined && { numAffectedRows: BigInt(changes) }),
    ...(insertId !== undefined && { insertId: BigInt(insertId) }),
  };
}

/** How many rows a statement adds or replaces, when that is all there is to hear of it. */
function rowsInserted({ query, parameters }: CompiledQuery): number | undefined {
  if (query.kind !== "InsertQueryNode" || parameters.length > blindParametersMax) return undefined;
  const { values, returning, onConflict, orAction } = query;
  if (returning !== undefined || onConflict?.doNothing === true || orAction !== undefined) return undefined;
  return values?.kind === "ValuesNode" ? (values as ValuesNode).values.length : undefined;
}

function toStatement(query: CompiledQuery): SqlStatement {
  return { sql: query.sql, parameters: query.parameters as SQLInputValue[] };
}

function isSelect(query: CompiledQuery): boolean {
  return query.query.kind === "SelectQueryNode" || (query.query.kind === "RawNode" && /^\s*select\b/i.test(query.sql));
}
