// What was done to contain an account, step by step, so that each step can be taken back.

import type { Kysely, Transaction } from "kysely";
import type { Tables } from "./tables.ts";

export interface ContainStep {
  readonly step: string;
  readonly what: string;
  readonly result: "planned" | "done" | "nothing_to_do" | "failed" | "by_hand";
  readonly detail: string;
}

export interface Containment {
  readonly account: string;
  /** ms since the epoch. */
  readonly at: number;
  /** 0: not yet. */
  readonly releasedAt: number;
  readonly steps: readonly ContainStep[];
  /** Queue ids that were held. */
  readonly held: readonly string[];
  /** Addresses that were banned for it. */
  readonly banned: readonly string[];
  readonly by: string;
}

/** The last one of an account. */
export async function findContainment(db: Kysely<Tables>, account: string): Promise<Containment | undefined> {
  const row = await db.selectFrom("containments").selectAll().where("account", "=", account).executeTakeFirst();
  if (row === undefined) return undefined;
  const { steps, held, banned } = JSON.parse(row.body) as Pick<Containment, "steps" | "held" | "banned">;
  return { account, at: row.at, releasedAt: row.released_at, steps, held, banned, by: row.changed_by };
}

/** Puts a containment in the place of an older one. */
export async function saveContainment(tx: Transaction<Tables>, containment: Containment): Promise<void> {
  const { account, at, releasedAt, steps, held, banned, by } = containment;
  const values = { at, released_at: releasedAt, body: JSON.stringify({ steps, held, banned }), changed_by: by };
  await tx
    .insertInto("containments")
    .values({ account, ...values })
    .onConflict((conflict) => conflict.column("account").doUpdateSet(values))
    .execute();
}

/** Adds to the messages that are held for an account, or takes from them, and leaves the rest as it is. */
export async function changeHeld(
  tx: Transaction<Tables>,
  account: string,
  { add = [], drop = [] }: { readonly add?: readonly string[]; readonly drop?: readonly string[] },
): Promise<void> {
  const known = await findContainment(tx, account);
  if (known === undefined || add.length + drop.length === 0) return;
  const gone = new Set(drop);
  const held = [...new Set([...known.held, ...add])].filter((id) => !gone.has(id));
  await saveContainment(tx, { ...known, held });
}
