// What every node has to do to contain an account or to give it back, and what each did. One order an account: the last one counts.

import type { Kysely, Transaction } from "kysely";
import type { ContainStep } from "./containments.ts";
import type { Store } from "./db.ts";
import type { Tables } from "./tables.ts";

export interface ContainmentOrder {
  readonly account: string;
  readonly act: "contain" | "release";
  /** ms since the epoch; also its number: a later one is another one. */
  readonly at: number;
  /** Steps to leave out. */
  readonly skip: readonly string[];
  /** What a release does with held messages. */
  readonly fate: "release" | "delete";
}

/** What a node did of an order. */
export interface ContainmentPart {
  readonly node: string;
  readonly at: number;
  readonly steps: readonly ContainStep[];
}

/** Orders that a node finds open at a time. */
const ordersMax = 50;

/** Listeners are told by the caller, behind its transaction: `orders`. */
export async function putOrder(tx: Transaction<Tables>, order: ContainmentOrder): Promise<void> {
  const { account, act, at, skip, fate } = order;
  const values = { act, at, body: JSON.stringify({ skip, fate }) };
  await tx
    .insertInto("containment_orders")
    .values({ account, ...values })
    .onConflict((conflict) => conflict.column("account").doUpdateSet(values))
    .execute();
}

/** Orders of which the node has not done its part, oldest first. */
export async function openOrders(db: Kysely<Tables>, node: string): Promise<readonly ContainmentOrder[]> {
  const rows = await db
    .selectFrom("containment_orders as orders")
    .leftJoin("containment_parts as parts", (join) =>
      join
        .onRef("parts.account", "=", "orders.account")
        .onRef("parts.at", "=", "orders.at")
        .on("parts.node", "=", node),
    )
    .select(["orders.account", "orders.act", "orders.at", "orders.body"])
    .where("parts.node", "is", null)
    .orderBy("orders.at")
    .limit(ordersMax)
    .execute();
  return rows.map(({ account, act, at, body }) => {
    const { skip, fate } = JSON.parse(body) as Pick<ContainmentOrder, "skip" | "fate">;
    return { account, act: act === "release" ? "release" : "contain", at: Number(at), skip, fate };
  });
}

export async function putPart(tx: Transaction<Tables>, account: string, part: ContainmentPart): Promise<void> {
  const values = { at: part.at, body: JSON.stringify(part.steps) };
  await tx
    .insertInto("containment_parts")
    .values({ account, node: part.node, ...values })
    .onConflict((conflict) => conflict.columns(["account", "node"]).doUpdateSet(values))
    .execute();
}

/** What the nodes did of the order of this time. */
export async function readParts(
  db: Kysely<Tables>,
  { account, at }: Pick<ContainmentOrder, "account" | "at">,
): Promise<readonly ContainmentPart[]> {
  const rows = await db
    .selectFrom("containment_parts")
    .select(["node", "at", "body"])
    .where("account", "=", account)
    .where("at", "=", at)
    .orderBy("node")
    .execute();
  return rows.map(({ node, at: when, body }) => ({ node, at: Number(when), steps: JSON.parse(body) as ContainStep[] }));
}

/** Forgets orders from before a time, done or not. */
export async function pruneOrders({ facts }: Store, before: number): Promise<void> {
  await facts.deleteFrom("containment_orders").where("at", "<", before).execute();
  await facts.deleteFrom("containment_parts").where("at", "<", before).execute();
}
