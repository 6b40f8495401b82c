// What is never banned, beside the configuration: what an administrator added (an address, a network or a name), the addresses that each
// node has, and where administrators are just now.

import type { Selectable } from "kysely";
import { parseNetwork } from "../core/ip.ts";
import { type Author, writeAudit } from "./audit.ts";
import { untilOfRow, untilToRow } from "./ban-row.ts";
import { dropTrusted } from "./bans.ts";
import type { Store } from "./db.ts";
import type { Tables } from "./tables.ts";

/** `added`: by hand. `node`: an address of a node. `admin`: an administrator is there. */
export type TrustOrigin = "added" | "node" | "admin";

export interface Trust {
  /** A printed network, or a host name in lower case. */
  readonly value: string;
  readonly origin: TrustOrigin;
  /** Whose address it is; empty for what was added. */
  readonly node: string;
  /** ms since the epoch; without it the trust does not end. */
  readonly until: number | undefined;
  readonly note: string;
  readonly changedAt: number;
  readonly changedBy: string;
}

/** More rows than this are not read: an administrator's network list belongs in the configuration. */
const trustsMax = 20_000;

/** All that hold at `now`. */
export async function readTrusts(store: Store, now: number): Promise<readonly Trust[]> {
  const rows = await store.facts
    .selectFrom("trusts")
    .selectAll()
    .where("until_at", ">", now)
    .orderBy("value")
    .orderBy("origin")
    .orderBy("node")
    .limit(trustsMax)
    .execute();
  return rows.map(toTrust);
}

function toTrust(row: Selectable<Tables["trusts"]>): Trust {
  return {
    ...{ value: row.value, origin: row.origin as TrustOrigin, node: row.node, until: untilOfRow(row.until_at) },
    ...{ note: row.note, changedAt: row.changed_at, changedBy: row.changed_by },
  };
}

export interface WantedTrust {
  readonly value: string;
  readonly origin: TrustOrigin;
  readonly node: string;
  readonly until: number | undefined;
  readonly note: string;
}

/** Trusts, and ends bans that stand against it; listeners have taken both when this returns. What an administrator did is audited. */
export async function saveTrusts(store: Store, wanted: readonly WantedTrust[], author: Author): Promise<void> {
  if (wanted.length === 0) return;
  const dropped = await store.facts.transaction().execute(async (tx) => {
    for (const { value, origin, node, until, note } of wanted) {
      const values = { until_at: untilToRow(until), note, changed_at: author.now, changed_by: author.by };
      await tx
        .insertInto("trusts")
        .values({ value, origin, node, ...values })
        .onConflict((conflict) => conflict.columns(["value", "origin", "node"]).doUpdateSet(values))
        .execute();
    }
    const added = wanted.filter(({ origin }) => origin === "added");
    await writeAudit(
      tx,
      added.map(({ value, note }) => ({ kind: "trust", name: value, act: "added", detail: note })),
      author,
    );
    const networks = wanted.flatMap(({ value }) => parseNetwork(value) ?? []);
    return dropTrusted(tx, networks, author);
  });
  await store.changes.announce("trusts");
  if (dropped.length > 0) await store.changes.announce("bans");
}

/** Takes back what was added by hand; false when it was not there. */
export async function removeTrust(store: Store, value: string, author: Author): Promise<boolean> {
  const removed = await store.facts.transaction().execute(async (tx) => {
    const { numDeletedRows } = await tx
      .deleteFrom("trusts")
      .where("value", "=", value)
      .where("origin", "in", ["added", "admin"])
      .executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    await writeAudit(tx, [{ kind: "trust", name: value, act: "removed", detail: "" }], author);
    return true;
  });
  if (removed) await store.changes.announce("trusts");
  return removed;
}

/** Forgets what ended before `now`. Nobody needs to hear of it: it held no more. */
export async function pruneTrusts(store: Store, now: number): Promise<void> {
  await store.facts.deleteFrom("trusts").where("until_at", "<=", now).execute();
}
