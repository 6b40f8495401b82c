// Limits raised for one counter until a time: `quota raise`.

import { type AuditEntry, type Author, writeAudit } from "./audit.ts";
import type { Store } from "./db.ts";

/** `key` is a cell's key, times in ms since the epoch. */
export interface Raise {
  readonly key: string;
  readonly max: number;
  readonly until: number;
  readonly changedAt: number;
  readonly changedBy: string;
}

/** Raises that still hold at `now`, by key. */
export async function readRaises(store: Store, now: number): Promise<readonly Raise[]> {
  const rows = await store.facts.selectFrom("raises").selectAll().where("until", ">", now).orderBy("key").execute();
  return rows.map(({ key, max, until, changed_at, changed_by }) => ({
    key,
    max,
    until,
    changedAt: changed_at,
    changedBy: changed_by,
  }));
}

/** Puts raises in the place of older ones of their keys, with what the audit tells of them; listeners have taken them when this returns. */
export async function saveRaises(store: Store, raises: readonly Raise[], audit: readonly AuditEntry[], author: Author) {
  await store.facts.transaction().execute(async (tx) => {
    for (const { key, max, until, changedAt, changedBy } of raises) {
      const values = { max, until, changed_at: changedAt, changed_by: changedBy };
      await tx
        .insertInto("raises")
        .values({ key, ...values })
        .onConflict((conflict) => conflict.column("key").doUpdateSet(values))
        .execute();
    }
    await writeAudit(tx, audit, author);
  });
  await store.changes.announce("raises");
}

/** One raise, told to nobody but the listeners. */
export async function saveRaise(store: Store, raise: Raise): Promise<void> {
  await saveRaises(store, [raise], [], { by: raise.changedBy, now: raise.changedAt });
}

/** False when there was none. */
export async function removeRaise(store: Store, key: string): Promise<boolean> {
  const { numDeletedRows } = await store.facts.deleteFrom("raises").where("key", "=", key).executeTakeFirst();
  if (numDeletedRows === 0n) return false;
  await store.changes.announce("raises");
  return true;
}

/** Forgets raises that ended before `now`. Nobody needs to hear of it: they held no more. */
export async function pruneRaises(store: Store, now: number): Promise<number> {
  const { numDeletedRows } = await store.facts.deleteFrom("raises").where("until", "<=", now).executeTakeFirst();
  return Number(numDeletedRows);
}
