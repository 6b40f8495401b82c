// Each time an account came to another level, with the reasons: what lists show, and what the breaker counts.

import { randomBytes } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import type { Store } from "./db.ts";
import { deleteInParts } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

const pageMax = 500;

export interface LevelRow {
  readonly account: string;
  /** ms since the epoch, by the log. */
  readonly at: number;
  readonly level: string;
  readonly score: number;
  /** JSON of the change with its signals and logins. */
  readonly body: string;
}

export async function addLevel(tx: Transaction<Tables>, row: LevelRow): Promise<void> {
  // In the order of writing, also of changes in the same millisecond.
  const id = `${row.at}-${String(process.hrtime.bigint()).padStart(20, "0")}-${randomBytes(3).toString("hex")}`;
  await tx
    .insertInto("account_levels")
    .values({ id, ...row })
    .execute();
}

/** Accounts that came to one of the levels since a time. */
export async function countRisen(db: Kysely<Tables>, since: number, levels: readonly string[]): Promise<number> {
  const row = await db
    .selectFrom("account_levels")
    .select((eb) => eb.fn.count<number>("account").distinct().as("accounts"))
    .where("at", ">=", since)
    .where("level", "in", levels)
    .executeTakeFirst();
  return Number(row?.accounts ?? 0);
}

/** The changes of one account, newest first. */
export async function findLevels(store: Store, account: string, limit: number): Promise<readonly LevelRow[]> {
  return await store.facts
    .selectFrom("account_levels")
    .select(["account", "at", "level", "score", "body"])
    .where("account", "=", account)
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(Math.min(limit, pageMax))
    .execute();
}

/** Accounts above calm, each with its last change, highest score first. */
export async function listRaised(store: Store, limit: number, offset = 0): Promise<readonly LevelRow[]> {
  const db = store.facts;
  const last = db
    .selectFrom("account_levels")
    .select((eb) => ["account", eb.fn.max("id").as("id")])
    .groupBy("account");
  return await db
    .selectFrom("account_levels as levels")
    .innerJoin(last.as("newest"), "newest.id", "levels.id")
    .select(["levels.account", "levels.at", "levels.level", "levels.score", "levels.body"])
    .where("levels.level", "<>", "calm")
    .orderBy("levels.score", "desc")
    .orderBy("levels.account")
    .limit(Math.min(limit, pageMax))
    .offset(offset)
    .execute();
}

export async function eraseLevels(tx: Transaction<Tables>, account: string): Promise<void> {
  await tx.deleteFrom("account_levels").where("account", "=", account).execute();
}

/** Forgets changes before a time; returns how many. */
export async function pruneLevels(store: Store, before: number): Promise<number> {
  return await deleteInParts((limit) => {
    const old = store.facts.selectFrom("account_levels").select("id").where("at", "<", before).limit(limit);
    return store.facts.deleteFrom("account_levels").where("id", "in", old).executeTakeFirstOrThrow();
  });
}
