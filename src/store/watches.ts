// Accounts under watch, and the pauses of those whose watch somebody ended by hand.

import type { Kysely, Selectable, Transaction } from "kysely";
import { type Author, writeAudit } from "./audit.ts";
import type { Store } from "./db.ts";
import type { Tables } from "./tables.ts";

export interface Watch {
  readonly account: string;
  /** ms since the epoch. */
  readonly since: number;
  /** 0: until the judge or a person ends it. */
  readonly until: number;
  readonly level: string;
  readonly origin: "judge" | "hand" | "release";
  readonly reason: string;
  /** JSON of the change of level that began it, or empty. */
  readonly body: string;
  readonly by: string;
}

export interface WatchPause {
  readonly account: string;
  readonly until: number;
  readonly at: number;
  readonly by: string;
}

/** A watch ended by hand does not begin again by itself for this long, unless the level is high. */
const watchPauseMs = 7 * 86_400_000;

/** All watches that hold at `now`, oldest first. */
export async function readWatches(db: Kysely<Tables>, now: number): Promise<readonly Watch[]> {
  const rows = await db
    .selectFrom("watches")
    .selectAll()
    .where((eb) => eb.or([eb("until", "=", 0), eb("until", ">", now)]))
    .orderBy("since")
    .orderBy("account")
    .execute();
  return rows.map(toWatch);
}

export async function findWatch(db: Kysely<Tables>, account: string): Promise<Watch | undefined> {
  const row = await db.selectFrom("watches").selectAll().where("account", "=", account).executeTakeFirst();
  return row === undefined ? undefined : toWatch(row);
}

/** Puts a watch in the place of an older one. Listeners are told by the caller, behind its transaction: `rules`. */
export async function putWatch(tx: Transaction<Tables>, { by, account, ...watch }: Watch): Promise<void> {
  const values = { ...watch, changed_by: by };
  await tx
    .insertInto("watches")
    .values({ account, ...values })
    .onConflict((conflict) => conflict.column("account").doUpdateSet(values))
    .execute();
}

/** False when there was none. */
export async function dropWatch(tx: Transaction<Tables>, account: string): Promise<boolean> {
  const { numDeletedRows } = await tx.deleteFrom("watches").where("account", "=", account).executeTakeFirst();
  return numDeletedRows > 0n;
}

export async function findPause(db: Kysely<Tables>, account: string): Promise<WatchPause | undefined> {
  const row = await db.selectFrom("watch_pauses").selectAll().where("account", "=", account).executeTakeFirst();
  return row === undefined ? undefined : { account, until: row.until, at: row.at, by: row.changed_by };
}

/** Ends a watch by hand, and pauses it: false when there was none. Listeners have taken it when this returns. */
export async function endWatch(store: Store, account: string, author: Author): Promise<boolean> {
  const ended = await store.facts.transaction().execute((tx) => endWatchIn(tx, account, author));
  if (ended) await store.changes.announce("rules");
  return ended;
}

/** As `endWatch`, inside the caller's transaction, and telling nobody. */
async function endWatchIn(tx: Transaction<Tables>, account: string, author: Author): Promise<boolean> {
  if (!(await dropWatch(tx, account))) return false;
  const values = { until: author.now + watchPauseMs, at: author.now, changed_by: author.by };
  await tx
    .insertInto("watch_pauses")
    .values({ account, ...values })
    .onConflict((conflict) => conflict.column("account").doUpdateSet(values))
    .execute();
  await writeAudit(tx, [{ kind: "account", name: account, act: "removed", detail: "watch ended by hand" }], author);
  return true;
}

/** Puts an account under watch by hand; a pause of it ends. Listeners have taken it when this returns. */
export async function beginWatch(store: Store, watch: Watch, author: Author): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    await putWatch(tx, watch);
    await tx.deleteFrom("watch_pauses").where("account", "=", watch.account).execute();
    await writeAudit(tx, [{ kind: "account", name: watch.account, act: "added", detail: watch.reason }], author);
  });
  await store.changes.announce("rules");
}

/** Forgets watches and pauses that ended before `now`; true when a watch was among them. */
export async function pruneWatches(store: Store, now: number): Promise<boolean> {
  const over = store.facts.deleteFrom("watches").where("until", ">", 0).where("until", "<=", now);
  const { numDeletedRows } = await over.executeTakeFirst();
  await store.facts.deleteFrom("watch_pauses").where("until", "<=", now).execute();
  if (numDeletedRows > 0n) await store.changes.announce("rules");
  return numDeletedRows > 0n;
}

function toWatch({ changed_by: by, origin, ...row }: Selectable<Tables["watches"]>): Watch {
  return { ...row, origin: origin as Watch["origin"], by };
}
