// How far each log has been read. Places belong to a node (decided 17) and are written in the transaction of what the lines
// up to them have changed (decided 7).

import type { Transaction } from "kysely";
import type { Store } from "./db.ts";
import type { Tables } from "./tables.ts";

export interface SavedPlace {
  /** The kind of source: `file`, `journal`. */
  readonly source: string;
  /** Unique in its source. */
  readonly key: string;
  /** Made and read by the source. */
  readonly body: string;
}

/** A place that moved; `body` undefined: there is nothing left to read behind it, and it is forgotten. */
export interface PlaceChange {
  readonly source: string;
  readonly key: string;
  readonly body: string | undefined;
}

/** All places of a node. */
export async function readPlaces(store: Store, node: string): Promise<readonly SavedPlace[]> {
  const rows = await store.facts.selectFrom("places").selectAll().where("node", "=", node).orderBy("key").execute();
  return rows.map(({ source, key, body }) => ({ source, key, body }));
}

/** Writes places inside the caller's transaction; of several changes of one key the last one holds. `now` in ms. */
export async function savePlaces(
  tx: Transaction<Tables>,
  node: string,
  changes: readonly PlaceChange[],
  now: number,
): Promise<void> {
  const last = new Map(changes.map((change) => [`${change.source}\0${change.key}`, change]));
  const rows: Tables["places"][] = [];
  for (const { source, key, body } of last.values()) {
    if (body !== undefined) rows.push({ node, source, key, body, changed_at: now });
    else {
      const own = tx.deleteFrom("places").where("node", "=", node).where("source", "=", source);
      await own.where("key", "=", key).execute();
    }
  }
  if (rows.length === 0) return;
  await tx
    .insertInto("places")
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(["node", "source", "key"]).doUpdateSet((update) => ({
        body: update.ref("excluded.body"),
        changed_at: update.ref("excluded.changed_at"),
      })),
    )
    .execute();
}
