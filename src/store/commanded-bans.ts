// Bans whose commands were run here. A command holds until it is taken back, whatever becomes of the ban's row meanwhile, and
// nothing but this tells the next process of it.

import type { Block } from "../core/firewall.ts";
import { printNetwork } from "../core/ip.ts";
import { addressOfRow } from "./ban-row.ts";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";

type Commanded = Pick<Block, "address" | "jail">;

/** All that a start reads: more bans than commands can be run for in an hour. */
const rowsMax = 200_000;

export async function readCommanded(store: Store, node: string): Promise<readonly Required<Commanded>[]> {
  const query = store.facts.selectFrom("commanded_bans").select(["address", "jail"]).where("node", "=", node);
  const rows = await query.orderBy("address").orderBy("jail").limit(rowsMax).execute();
  return rows.map(({ address, jail }) => ({ address: addressOfRow(address), jail }));
}

/** One that is there already stays. */
export async function addCommanded(store: Store, node: string, bans: readonly Commanded[]): Promise<void> {
  for (const part of partsOf(bans)) {
    const rows = part.map(({ address, jail = "" }) => ({ node, address: printNetwork(address), jail }));
    await store.facts
      .insertInto("commanded_bans")
      .values(rows)
      .onConflict((conflict) => conflict.columns(["node", "address", "jail"]).doNothing())
      .execute();
  }
}

export async function removeCommanded(store: Store, node: string, bans: readonly Commanded[]): Promise<void> {
  for (const [jail = "", own] of Map.groupBy(bans, (ban) => ban.jail)) {
    for (const part of partsOf(own)) {
      const addresses = part.map(({ address }) => printNetwork(address));
      await store.facts
        .deleteFrom("commanded_bans")
        .where("node", "=", node)
        .where("jail", "=", jail)
        .where("address", "in", addresses)
        .execute();
    }
  }
}
