// How many mail events of each kind a node has seen in each log.

import type { Transaction } from "kysely";
import type { Tables } from "./tables.ts";

export interface LogCount {
  readonly source: string;
  readonly kind: string;
  readonly count: number;
}

/** Adds to the counts inside the caller's transaction. */
export async function addLogCounts(tx: Transaction<Tables>, node: string, counts: readonly LogCount[]): Promise<void> {
  const sums = new Map<string, Tables["log_counts"]>();
  for (const { source, kind, count } of counts) {
    const key = `${source}\0${kind}`;
    sums.set(key, { node, source, kind, count: (sums.get(key)?.count ?? 0) + count });
  }
  if (sums.size === 0) return;
  await tx
    .insertInto("log_counts")
    .values([...sums.values()])
    .onConflict((conflict) =>
      conflict.columns(["node", "source", "kind"]).doUpdateSet((update) => ({
        count: update("log_counts.count", "+", update.ref("excluded.count")),
      })),
    )
    .execute();
}
