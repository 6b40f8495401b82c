// Running a fact's statement on a node:sqlite connection, with the prepared statements kept.

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** More different statements than the fact files make; beyond it the oldest goes. */
const statementsMax = 200;

export interface SqlStatement {
  readonly sql: string;
  readonly parameters: readonly SQLInputValue[];
}

/** Rows of a reading statement, or what a writing one did. */
export interface SqlOutcome {
  readonly rows: Record<string, unknown>[];
  readonly changes: number | undefined;
  readonly insertId: number | undefined;
}

/** Prepared statements of one connection. */
export class SqlRunner {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  run(statement: SqlStatement): SqlOutcome {
    const prepared = this.#prepare(statement.sql);
    if (prepared.columns().length > 0) {
      return { rows: prepared.all(...statement.parameters), changes: undefined, insertId: undefined };
    }
    const { changes, lastInsertRowid } = prepared.run(...statement.parameters);
    return { rows: [], changes: Number(changes), insertId: Number(lastInsertRowid) };
  }

  /** Rows one by one. A statement of its own: a kept one would be reset by the next run of the same text. */
  iterate(statement: SqlStatement): Iterator<Record<string, unknown>> {
    return this.#db.prepare(statement.sql).iterate(...statement.parameters);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const fresh = this.#db.prepare(sql);
    const oldest = this.#prepared.size >= statementsMax ? this.#prepared.keys().next().value : undefined;
    if (oldest !== undefined) this.#prepared.delete(oldest);
    this.#prepared.set(sql, fresh);
    return fresh;
  }
}
