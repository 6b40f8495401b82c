// What the nodes tell the one that judges accounts, in the order in which it was committed (transactions of facts run one after the
// other). A row stays until the histories that it changed are on disk.

import type { Kysely, Transaction } from "kysely";
import type { Store } from "./db.ts";
import { deleteInParts } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

/** Whose the histories are where nodes share them. No node is called so. */
export const everyNode = "*";

/** Rows read at a time. */
const rowsMax = 200;
/** Characters read at a time, beyond the first row. */
const textMax = 4 * 1024 * 1024;

export interface ToldRow {
  readonly seq: number;
  readonly body: string;
}

/** The number of the row. */
export async function addTold(
  tx: Transaction<Tables>,
  row: { readonly node: string; readonly at: number; readonly body: string },
): Promise<number> {
  const { seq } = await tx.insertInto("account_told").values(row).returning("seq").executeTakeFirstOrThrow();
  return Number(seq);
}

/** What was told behind a number, oldest first; with whether more is there. */
export async function readTold(
  db: Kysely<Tables>,
  after: number,
): Promise<{ readonly rows: readonly ToldRow[]; readonly more: boolean }> {
  const all = await db
    .selectFrom("account_told")
    .select(["seq", "body"])
    .where("seq", ">", after)
    .orderBy("seq")
    .limit(rowsMax)
    .execute();
  const rows: ToldRow[] = [];
  let characters = 0;
  for (const { seq, body } of all) {
    characters += body.length;
    if (characters > textMax && rows.length > 0) break;
    rows.push({ seq: Number(seq), body });
  }
  return { rows, more: all.length === rowsMax || rows.length < all.length };
}

/** Forgets what is in the histories. */
export async function dropTold(tx: Transaction<Tables>, upTo: number): Promise<void> {
  await tx.deleteFrom("account_told").where("seq", "<=", upTo).execute();
}

/** Forgets what nobody came to judge. */
export async function pruneTold({ facts }: Store, before: number): Promise<number> {
  return await deleteInParts((limit) => {
    const old = facts.selectFrom("account_told").select("seq").where("at", "<", before).limit(limit);
    return facts.deleteFrom("account_told").where("seq", "in", old).executeTakeFirstOrThrow();
  });
}
