// A question of one node to the one that judges: how does an account stand? A row without an answer, then with one, then none.

import { randomBytes } from "node:crypto";
import type { Store } from "./db.ts";

/** Questions that are answered at a time. */
const looksMax = 20;

export async function askLook(store: Store, account: string, at: number): Promise<string> {
  const id = randomBytes(12).toString("hex");
  await store.facts.insertInto("account_looks").values({ id, account, at, answer: null }).execute();
  await store.changes.announce("orders");
  return id;
}

/** Undefined while there is no answer. */
export async function findLookAnswer({ facts }: Store, id: string): Promise<string | undefined> {
  const row = await facts.selectFrom("account_looks").select("answer").where("id", "=", id).executeTakeFirst();
  return row?.answer ?? undefined;
}

/** Also for who does not wait any longer. */
export async function dropLook({ facts }: Store, id: string): Promise<void> {
  await facts.deleteFrom("account_looks").where("id", "=", id).execute();
}

export async function openLooks({
  facts,
}: Store): Promise<readonly { readonly id: string; readonly account: string }[]> {
  const open = facts.selectFrom("account_looks").select(["id", "account"]).where("answer", "is", null);
  return await open.orderBy("at").limit(looksMax).execute();
}

export async function answerLook({ facts }: Store, id: string, answer: string): Promise<void> {
  await facts.updateTable("account_looks").set({ answer }).where("id", "=", id).execute();
}

/** What nobody came to fetch. */
export async function pruneLooks({ facts }: Store, before: number): Promise<void> {
  await facts.deleteFrom("account_looks").where("at", "<", before).execute();
}
