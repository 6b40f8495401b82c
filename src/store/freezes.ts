// Accounts that may not send until somebody gives them back.

import type { Kysely, Transaction } from "kysely";
import type { Tables } from "./tables.ts";

export interface Freeze {
  readonly account: string;
  /** ms since the epoch. */
  readonly since: number;
  /** What Postfix is told. */
  readonly text: string;
  readonly by: string;
}

export async function readFreezes(db: Kysely<Tables>): Promise<readonly Freeze[]> {
  const rows = await db.selectFrom("freezes").selectAll().orderBy("account").execute();
  return rows.map(toFreeze);
}

export async function findFreeze(db: Kysely<Tables>, account: string): Promise<Freeze | undefined> {
  const row = await db.selectFrom("freezes").selectAll().where("account", "=", account).executeTakeFirst();
  return row === undefined ? undefined : toFreeze(row);
}

function toFreeze({ changed_by: by, ...row }: Tables["freezes"]): Freeze {
  return { ...row, by };
}

/** Listeners are told by the caller, behind its transaction: `rules`. */
export async function putFreeze(tx: Transaction<Tables>, { account, by, since, text }: Freeze): Promise<void> {
  const values = { since, text, changed_by: by };
  await tx
    .insertInto("freezes")
    .values({ account, ...values })
    .onConflict((conflict) => conflict.column("account").doNothing())
    .execute();
}

/** False when there was none. */
export async function dropFreeze(tx: Transaction<Tables>, account: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom("freezes").where("account", "=", account).executeTakeFirst();
  return numDeletedRows > 0n;
}
