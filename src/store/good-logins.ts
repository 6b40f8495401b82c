// Which account has logged in from which network: a wrong password there looks like a typing mistake. Shared by all nodes.

import type { Transaction } from "kysely";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

/** One row for a network and an account. */
export type GoodLoginRow = Tables["good_logins"];

/** Pairs that are read at a start, those that logged in last. */
const rowsMax = 200_000;

/** Saves logins inside the caller's transaction; of several for one pair the last holds. */
export async function saveGoodLogins(tx: Transaction<Tables>, logins: readonly GoodLoginRow[]): Promise<void> {
  const last = new Map(logins.map((login) => [`${login.network} ${login.account}`, login]));
  for (const part of partsOf([...last.values()])) {
    await tx
      .insertInto("good_logins")
      .values(part)
      .onConflict((conflict) =>
        conflict.columns(["network", "account"]).doUpdateSet(({ ref }) => ({
          address: ref("excluded.address"),
          at: ref("excluded.at"),
        })),
      )
      .execute();
  }
}

/** Logins since a time, oldest first. */
export async function readGoodLogins(store: Store, since: number): Promise<readonly GoodLoginRow[]> {
  const rows = await store.facts
    .selectFrom("good_logins")
    .selectAll()
    .where("at", ">=", since)
    .orderBy("at", "desc")
    .limit(rowsMax)
    .execute();
  return rows.reverse();
}

export async function pruneGoodLogins(store: Store, before: number): Promise<void> {
  await store.facts.deleteFrom("good_logins").where("at", "<", before).execute();
}
