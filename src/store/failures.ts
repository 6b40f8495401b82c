// Failures that count: one row a commit and jail, written with the place behind their lines, so that a restart neither loses a
// count nor counts a line twice. A row goes when none of its failures counts any more.

import type { Transaction } from "kysely";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

export interface SavedFailures {
  readonly jail: string;
  /** Made and read by jails. */
  readonly body: string;
  /** ms since the epoch. */
  readonly until: number;
}

/** Characters of all bodies of a node that a start reads; beyond it the oldest rows are left behind. */
const charsMax = 64 * 1024 * 1024;
const pageRows = 500;

/** Where the next rows of a node go: in the order of writing, whatever the clock did. */
export class FailureNumbers {
  #last: number;

  /** `last`: what lastFailure said. */
  constructor(last: number) {
    this.#last = last;
  }

  /** The first of `count` numbers. `now` in ms. */
  take(count: number, now: number): number {
    const first = Math.max(now * 100, this.#last + 1);
    this.#last = first + count - 1;
    return first;
  }
}

/** The number of a node's newest row, 0 without one. A node has one writer, which asks once. */
export async function lastFailure(store: Store, node: string): Promise<number> {
  const last = await store.facts
    .selectFrom("failures")
    .select(({ fn }) => fn.max("id").as("id"))
    .where("node", "=", node)
    .executeTakeFirst();
  return Number(last?.id ?? 0);
}

/** Adds failures inside the caller's transaction, from the number `first` on. */
export async function addFailures(
  tx: Transaction<Tables>,
  node: string,
  failures: readonly SavedFailures[],
  first: number,
): Promise<void> {
  const rows = failures.map(({ jail, body, until }, i) => {
    return { node, id: String(first + i).padStart(16, "0"), jail, until_at: until, body };
  });
  for (const part of partsOf(rows)) await tx.insertInto("failures").values(part).execute();
}

/** A node's failures that still count, in the order in which they were written. */
export async function readFailures(store: Store, node: string, now: number): Promise<readonly SavedFailures[]> {
  const found: SavedFailures[] = [];
  let chars = 0;
  for (let behind = "~"; chars < charsMax; ) {
    const rows = await store.facts
      .selectFrom("failures")
      .select(["id", "jail", "body", "until_at"])
      .where("node", "=", node)
      .where("until_at", ">", now)
      .where("id", "<", behind)
      .orderBy("id", "desc")
      .limit(pageRows)
      .execute();
    for (const { jail, body, until_at } of rows) {
      chars += body.length;
      found.push({ jail, body, until: until_at });
    }
    behind = rows.at(-1)?.id ?? "";
    if (rows.length < pageRows) break;
  }
  return found.reverse();
}

/** Forgets rows of all nodes whose failures count no more. */
export async function pruneFailures(store: Store, now: number): Promise<void> {
  await store.facts.deleteFrom("failures").where("until_at", "<=", now).execute();
}
