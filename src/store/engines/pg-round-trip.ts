// Several statements in one trip to the server and back: each bound and executed, one Sync at the end (PostgreSQL manual, 55.2.3).
// An error in one skips the rest. The driver alone would wait for an answer after each.

import type { Client, Connection, Submittable } from "pg";

export interface PgStatement {
  /** Prepared on this connection before (`prepare`). */
  readonly name: string;
  readonly values: readonly (string | null)[];
}

/** A result's rows as the server's texts. */
export interface PgResult {
  readonly rows: (readonly (string | null)[])[];
  /** `UPDATE 3`, `COMMIT`. */
  tag: string;
}

/** Sends the statements and resolves with their results, in order. Rejects with the first error of the server, or the connection's. */
export function roundTrip(client: Client, statements: readonly PgStatement[]): Promise<readonly PgResult[]> {
  return new Promise((resolve, reject) => {
    client.query(new RoundTrip(statements, resolve, reject));
  });
}

/** Makes named statements known to a connection: all that the protocol takes, `begin` too. */
export function prepare(client: Client, statements: Readonly<Record<string, string>>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    client.query(new Preparation(statements, resolve, reject));
  });
}

/** What the driver calls while the trip is under way; it has no type for these. */
class RoundTrip implements Submittable {
  readonly #statements: readonly PgStatement[];
  readonly #resolve: (results: readonly PgResult[]) => void;
  readonly #reject: (error: unknown) => void;
  readonly #results: PgResult[] = [];
  #rows: PgResult["rows"] = [];
  #error: unknown;
  /** The driver sets it where it is missing. */
  callback = () => {};

  constructor(
    statements: readonly PgStatement[],
    resolve: (results: readonly PgResult[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#statements = statements;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    connection.stream.cork();
    this.send(connection);
    connection.sync();
    connection.stream.uncork();
  }

  protected send(connection: Connection): void {
    for (const { name, values } of this.#statements) {
      connection.bind({ statement: name, values: [...values] }, true);
      connection.execute(null, true);
    }
  }

  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
    this.#rows.push(message.fields);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#results.push({ rows: this.#rows, tag: message.text });
    this.#rows = [];
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: "" });
  }

  handleRowDescription(): void {}

  handleError(error: unknown): void {
    this.#error = error;
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    if (this.#error === undefined) this.#resolve(this.#results);
  }
}

class Preparation extends RoundTrip {
  readonly #texts: Readonly<Record<string, string>>;

  constructor(
    texts: Readonly<Record<string, string>>,
    resolve: (results: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    super([], resolve, reject);
    this.#texts = texts;
  }

  protected override send(connection: Connection): void {
    for (const [name, text] of Object.entries(this.#texts)) connection.parse({ name, text, types: [] }, true);
  }
}
