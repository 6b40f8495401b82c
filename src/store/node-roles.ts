// What one node among several does for all of them, for as long as it says that it lives. Whoever has a role writes in it only after
// a look, in the same transaction, whether it is still the one: a node that was thought dead changes nothing when it comes back.

import { sql, type Transaction } from "kysely";
import type { Store } from "./db.ts";
import type { Tables } from "./tables.ts";

export type Role = "judge";

/** The database's time: clocks of nodes differ. */
const databaseNow = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

export interface RoleClaim {
  readonly role: Role;
  readonly node: string;
  /** Without another word the role is free after this. */
  readonly forMs: number;
  /** The number under which this process has it already. */
  readonly epoch: number | undefined;
}

/** Takes the role where it is free, or keeps it; the number under which it is held, undefined when another node has it. */
export async function claimRole(store: Store, { role, node, forMs, epoch }: RoleClaim): Promise<number | undefined> {
  return await store.facts.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom("node_roles")
      .select(["node", "epoch", databaseNow.as("now"), "until_at"])
      .where("role", "=", role)
      .executeTakeFirst();
    // A name has one process (decided 17): what another one of this name held is over.
    const isOwn = row?.node === node;
    if (row !== undefined && !isOwn && Number(row.until_at) > Number(row.now)) return undefined;
    const held = isOwn && row.epoch === epoch ? row.epoch : Number(row?.epoch ?? 0) + 1;
    const values = { node, epoch: held, until_at: sql<number>`${databaseNow} + ${sql.lit(forMs)}` };
    await tx
      .insertInto("node_roles")
      .values({ role, ...values })
      .onConflict((conflict) => conflict.column("role").doUpdateSet(values))
      .execute();
    return held;
  });
}

/** Frees the role for the others, unless it is another's by now. */
export async function leaveRole(store: Store, role: Role, node: string): Promise<void> {
  await store.facts
    .updateTable("node_roles")
    .set({ until_at: 0 })
    .where("role", "=", role)
    .where("node", "=", node)
    .execute();
}

/** Who has the role; undefined when nobody does. */
export async function findRole(store: Store, role: Role): Promise<string | undefined> {
  const row = await store.facts
    .selectFrom("node_roles")
    .select("node")
    .where("role", "=", role)
    .where("until_at", ">", databaseNow)
    .executeTakeFirst();
  return row?.node;
}

/** True while the role is held under this number, inside the caller's transaction. */
export async function hasRole(
  tx: Transaction<Tables>,
  { role, node, epoch }: { readonly role: Role; readonly node: string; readonly epoch: number },
): Promise<boolean> {
  const row = await tx.selectFrom("node_roles").select(["node", "epoch"]).where("role", "=", role).executeTakeFirst();
  return row?.node === node && Number(row.epoch) === epoch;
}
