// Changes of facts, heard by every node that shares the database. Triggers number them in the transaction that makes them
// (migrations); a notice only says that it is time to look at the numbers, and after a lost connection we look anyway, so none is missed.

import type { Client } from "pg";
import type { Log } from "../../core/log.ts";
import { LocalChanges } from "../changes.ts";
import type { Changes, Fact } from "../db.ts";
import { backOffMs, connectPg, endPg } from "./pg-connection.ts";
import type { PgTarget } from "./pg-url.ts";

/** Several changes in a row are heard as one. */
const settleMs = 50;

/** A look at the numbers without being told: also finds a connection that died in silence. */
const lookMs = 5_000;

/** Facts that other nodes hold compiled; a cell is read from its row at every charge. */
const sharedFacts: readonly Fact[] = ["rules", "raises", "bans", "trusts", "orders"];

export interface PgChangesOptions {
  readonly target: PgTarget;
  readonly node: string;
  readonly log: Log;
}

export class PgChanges implements Changes {
  readonly #options: PgChangesOptions;
  readonly #local = new LocalChanges();
  /** The number of each fact that our listeners have taken. */
  readonly #taken = new Map<string, number>();
  #client: Client | undefined;
  #work: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #attempt = 0;
  #closed = false;

  private constructor(options: PgChangesOptions) {
    this.#options = options;
  }

  /** Listens; what is in the tables now counts as taken. */
  static async start(options: PgChangesOptions): Promise<PgChanges> {
    const changes = new PgChanges(options);
    await changes.#connect();
    for (const [fact, number] of await changes.#numbers()) changes.#taken.set(fact, number);
    changes.#lookIn(lookMs);
    return changes;
  }

  async announce(fact: Fact): Promise<void> {
    // Read before the listeners read the facts: what changes meanwhile is looked at again. Without a number they are only told once more.
    const numbers = this.#client === undefined ? undefined : await this.#numbers().catch(() => undefined);
    await this.#local.announce(fact);
    const number = numbers?.get(fact);
    if (number !== undefined) this.#taken.set(fact, Math.max(number, this.#taken.get(fact) ?? 0));
  }

  onChange(listener: (fact: Fact) => void | Promise<void>): () => void {
    return this.#local.onChange(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#client !== undefined) await endPg(this.#client);
  }

  async #connect(): Promise<void> {
    const { target, node } = this.#options;
    const client = await connectPg(target, `postvarta ${node} changes`);
    client.on("notification", () => this.#lookIn(settleMs));
    client.on("end", () => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#lookIn(backOffMs(0));
    });
    await client.query(`set statement_timeout = ${lookMs}; listen postvarta`);
    if (this.#closed) await endPg(client);
    else this.#client = client;
  }

  #lookIn(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#work = this.#work.then(() => this.#look());
    }, ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    try {
      if (this.#client === undefined) await this.#connect();
      for (const [fact, number] of await this.#numbers()) {
        if (number <= (this.#taken.get(fact) ?? 0)) continue;
        const known = sharedFacts.find((name) => name === fact);
        if (known !== undefined) await this.#local.announce(known);
        this.#taken.set(fact, number);
      }
      this.#attempt = 0;
      this.#lookIn(lookMs);
    } catch (error) {
      if (this.#closed) return;
      if (this.#attempt === 0) this.#options.log.warn("store.changes_unheard", { error: String(error) });
      this.#lookIn(backOffMs(this.#attempt++));
    }
  }

  async #numbers(): Promise<ReadonlyMap<string, number>> {
    const client = this.#client;
    if (client === undefined) throw new Error("There is no connection");
    const silence = setTimeout(() => client.connection.stream.destroy(), lookMs);
    try {
      const { rows } = await client.query<{ fact: string; number: number }>("select fact, number from changes");
      return new Map(rows.map((row) => [row.fact, row.number]));
    } finally {
      clearTimeout(silence);
    }
  }
}
