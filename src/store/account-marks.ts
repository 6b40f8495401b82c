// What administrators say of accounts, as rows. What they mean is told in accounts/marks.ts.

import { randomBytes } from "node:crypto";
import type { Kysely, Selectable } from "kysely";
import { type Author, writeAudit } from "./audit.ts";
import type { Store } from "./db.ts";
import type { Tables } from "./tables.ts";

/** Marks that are kept; each is read by the judge at every login of its account. */
const marksMax = 20_000;

export interface AccountMark {
  readonly id: string;
  /** Empty: all accounts. */
  readonly account: string;
  readonly kind: string;
  readonly value: string;
  /** ms since the epoch; `until` 0 has no end. */
  readonly from: number;
  readonly until: number;
  readonly note: string;
  readonly at: number;
  readonly by: string;
}

export async function readMarkRows(db: Kysely<Tables>, account?: string): Promise<readonly AccountMark[]> {
  const all = db.selectFrom("account_marks").selectAll().orderBy("at").orderBy("id").limit(marksMax);
  const rows = await (account === undefined ? all : all.where("account", "in", [account, ""])).execute();
  return rows.map(toMark);
}

/** Adds marks; one that is there already is renewed. */
export async function addMarks(
  store: Store,
  marks: readonly Omit<AccountMark, "id" | "at" | "by">[],
  author: Author,
): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    for (const { account, kind, value, from, until, note } of marks) {
      const same = tx.deleteFrom("account_marks").where("account", "=", account).where("kind", "=", kind);
      await same.where("value", "=", value).execute();
      const id = `${author.now}-${randomBytes(6).toString("hex")}`;
      const row = { id, account, kind, value, since: from, until, note, at: author.now, changed_by: author.by };
      await tx.insertInto("account_marks").values(row).execute();
      const detail = `${kind} ${value} ${note}`.trim();
      await writeAudit(tx, [{ kind: "account", name: account, act: "added", detail }], author);
    }
  });
}

/** Takes marks away; returns those that were there. */
export async function removeMarks(
  store: Store,
  ids: readonly string[],
  author: Author,
): Promise<readonly AccountMark[]> {
  return await store.facts.transaction().execute(async (tx) => {
    const removed: AccountMark[] = [];
    for (const id of ids) {
      const row = await tx.selectFrom("account_marks").selectAll().where("id", "=", id).executeTakeFirst();
      if (row === undefined) continue;
      await tx.deleteFrom("account_marks").where("id", "=", id).execute();
      const detail = `${row.kind} ${row.value}`.trim();
      await writeAudit(tx, [{ kind: "account", name: row.account, act: "removed", detail }], author);
      removed.push(toMark(row));
    }
    return removed;
  });
}

function toMark({ since, changed_by: by, ...row }: Selectable<Tables["account_marks"]>): AccountMark {
  return { ...row, from: since, by };
}
