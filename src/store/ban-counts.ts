// How many bans each jail has standing.

import type { Store } from "./db.ts";

/** By the name of the jail; jails without bans are absent. */
export async function countBansByJail(store: Store, now: number): Promise<ReadonlyMap<string, number>> {
  const rows = await store.facts
    .selectFrom("bans")
    .select(({ fn }) => ["jail", fn.countAll().as("rows")])
    .where("until_at", ">", now)
    .groupBy("jail")
    .execute();
  return new Map(rows.map(({ jail, rows: count }) => [jail, Number(count)]));
}
