// What a node's judge of accounts needs to go on after a restart: histories, whose message a queue id is, what the site knows, and
// what was told since these were written. All of it is written in the transactions of the places behind the lines.

import { type Selectable, sql, type Transaction } from "kysely";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

/** Postfix keeps a message for five days. */
const mailsKeptMs = 7 * 86_400_000;

export interface JudgeState {
  readonly histories: readonly { readonly account: string; readonly level: string; readonly body: string }[];
  readonly mails: readonly {
    readonly queueId: string;
    readonly account: string;
    readonly at: number;
    readonly counted: boolean;
  }[];
  readonly site: ReadonlyMap<string, string>;
  /** Oldest first. */
  readonly events: readonly { readonly sequence: number; readonly body: string }[];
}

export interface JudgeCheckpoint {
  /** ms since the epoch. */
  readonly at: number;
  /** Events up to this number are in what is written. */
  readonly sequence: number;
  readonly histories: readonly {
    readonly account: string;
    readonly level: string;
    readonly seenAt: number;
    readonly body: string;
  }[];
  readonly gone: readonly string[];
  readonly mails: JudgeState["mails"];
  readonly site: Readonly<Record<string, string>>;
}

/**
 * Gives what is known under one name to another one that knows nothing: of a node to all of them, when they begin to share it, or the
 * other way round. `node`: whose queue ids have its name before them where nodes share.
 */
export async function adoptJudgeState(
  store: Store,
  { from, to, node, now }: { readonly from: string; readonly to: string; readonly node: string; readonly now: number },
): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    for (const table of ["account_site", "account_histories", "account_events"] as const) {
      const row = await tx.selectFrom(table).select("node").where("node", "=", to).limit(1).executeTakeFirst();
      if (row !== undefined) return;
    }
    await moveTold(tx, { from, to, node, now });
    for (const table of ["account_histories", "account_mails", "account_site"] as const)
      await tx.updateTable(table).set({ node: to }).where("node", "=", from).execute();
    const prefix = `${node}/`;
    const id = sql.ref<string>("queue_id");
    const bare = sql<string>`substr(${id}, ${sql.lit(prefix.length + 1)})`;
    const mails = tx.updateTable("account_mails").where("node", "=", to);
    await (to === node
      ? mails.set({ queue_id: bare }).where(beginsWith(prefix)).execute()
      : mails.set({ queue_id: sql<string>`${prefix} || ${id}` }).execute());
  });
}

/**
 * What was told since the histories were written goes with them. Rows of a node and rows of all are numbered apart: of the numbers only
 * those are kept that still say something.
 */
async function moveTold(
  tx: Transaction<Tables>,
  { from, to, node, now }: { readonly from: string; readonly to: string; readonly node: string; readonly now: number },
): Promise<void> {
  if (to === node) {
    const told = tx
      .selectFrom("account_told")
      .select((eb) => [eb.val(node).as("node"), "seq", "body"])
      .orderBy("seq");
    await tx.insertInto("account_events").columns(["node", "sequence", "body"]).expression(told).execute();
    await tx.deleteFrom("account_told").execute();
    await tx.deleteFrom("account_site").where("node", "=", from).where("key", "=", "applied").execute();
    return;
  }
  const events = tx
    .selectFrom("account_events")
    .select((eb) => [eb.val(node).as("node"), eb.val(now).as("at"), "body"])
    .where("node", "=", from)
    .orderBy("sequence");
  await tx.insertInto("account_told").columns(["node", "at", "body"]).expression(events).execute();
  await tx.deleteFrom("account_events").where("node", "=", from).execute();
  await tx.deleteFrom("account_site").where("node", "=", from).where("key", "in", ["sequence", "applied"]).execute();
}

/** Nothing is known of any account under these names, and nothing was told. */
export async function hasNoJudgeState({ facts }: Store, nodes: readonly string[]): Promise<boolean> {
  const found = [
    await facts.selectFrom("account_histories").select("node").where("node", "in", nodes).limit(1).execute(),
    await facts.selectFrom("account_events").select("node").where("node", "in", nodes).limit(1).execute(),
    await facts.selectFrom("account_told").select("node").limit(1).execute(),
  ];
  return found.every((rows) => rows.length === 0);
}

/** Whose messages the queue ids are that stand under a name and begin with `prefix`, oldest first. */
export async function readMails({ facts }: Store, node: string, prefix: string): Promise<JudgeState["mails"]> {
  const rows = facts.selectFrom("account_mails").selectAll().where("node", "=", node).orderBy("at");
  return (await rows.where(beginsWith(prefix)).execute()).map(toMail);
}

function beginsWith(prefix: string) {
  return sql<boolean>`substr(${sql.ref<string>("queue_id")}, 1, ${sql.lit(prefix.length)}) = ${prefix}`;
}

/** Everything of a node, as one snapshot. */
export async function readJudgeState(store: Store, node: string): Promise<JudgeState> {
  return store.facts
    .transaction()
    .setIsolationLevel("repeatable read")
    .execute(async (tx) => {
      const own = { histories: tx.selectFrom("account_histories"), mails: tx.selectFrom("account_mails") };
      const histories = await own.histories.select(["account", "level", "body"]).where("node", "=", node).execute();
      const mails = await own.mails.selectAll().where("node", "=", node).orderBy("at").execute();
      const site = await tx.selectFrom("account_site").selectAll().where("node", "=", node).execute();
      const events = await tx
        .selectFrom("account_events")
        .select(["sequence", "body"])
        .where("node", "=", node)
        .orderBy("sequence")
        .execute();
      return {
        histories,
        mails: mails.map(toMail),
        site: new Map(site.map(({ key, body }) => [key, body])),
        events,
      };
    });
}

/** What the judge was told, inside the caller's transaction. */
export async function addJudgeEvents(
  tx: Transaction<Tables>,
  node: string,
  { sequence, body }: { readonly sequence: number; readonly body: string },
): Promise<void> {
  await tx
    .insertInto("account_events")
    .values({ node, sequence, body })
    .onConflict((conflict) => conflict.columns(["node", "sequence"]).doUpdateSet({ body }))
    .execute();
}

/** A text of what the site knows, inside the caller's transaction. */
export async function saveSiteText(tx: Transaction<Tables>, node: string, key: string, body: string): Promise<void> {
  await tx
    .insertInto("account_site")
    .values({ node, key, body })
    .onConflict((conflict) => conflict.columns(["node", "key"]).doUpdateSet({ body }))
    .execute();
}

export async function findSiteText(store: Store, node: string, key: string): Promise<string | undefined> {
  const row = await store.facts
    .selectFrom("account_site")
    .select("body")
    .where("node", "=", node)
    .where("key", "=", key)
    .executeTakeFirst();
  return row?.body;
}

/** Histories and the rest, and forgets what was told until then. */
export async function saveJudgeCheckpoint(
  tx: Transaction<Tables>,
  node: string,
  checkpoint: JudgeCheckpoint,
): Promise<void> {
  await saveHistories(tx, node, checkpoint.histories);
  // Their mails are older than any that are kept.
  for (const part of partsOf(checkpoint.gone)) {
    await tx.deleteFrom("account_histories").where("node", "=", node).where("account", "in", part).execute();
  }
  await saveMails(tx, node, checkpoint.mails);
  await tx
    .deleteFrom("account_mails")
    .where("node", "=", node)
    .where("at", "<", checkpoint.at - mailsKeptMs)
    .execute();
  for (const [key, body] of Object.entries(checkpoint.site)) await saveSiteText(tx, node, key, body);
  await tx.deleteFrom("account_events").where("node", "=", node).where("sequence", "<=", checkpoint.sequence).execute();
}

async function saveHistories(
  tx: Transaction<Tables>,
  node: string,
  histories: JudgeCheckpoint["histories"],
): Promise<void> {
  for (const part of partsOf(histories)) {
    const rows = part.map(({ account, level, seenAt, body }) => {
      return { node, account, level, seen_at: seenAt, body };
    });
    await tx
      .insertInto("account_histories")
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(["node", "account"]).doUpdateSet((update) => ({
          level: update.ref("excluded.level"),
          seen_at: update.ref("excluded.seen_at"),
          body: update.ref("excluded.body"),
        })),
      )
      .execute();
  }
}

async function saveMails(tx: Transaction<Tables>, node: string, mails: JudgeCheckpoint["mails"]): Promise<void> {
  for (const part of partsOf(mails)) {
    const rows = part.map(({ queueId, account, at: when, counted }) => {
      return { node, queue_id: queueId, account, at: when, counted: Number(counted) };
    });
    await tx
      .insertInto("account_mails")
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(["node", "queue_id"]).doUpdateSet((update) => ({
          account: update.ref("excluded.account"),
          at: update.ref("excluded.at"),
          counted: update.ref("excluded.counted"),
        })),
      )
      .execute();
  }
}

/** What is known of one account under a name: for a look without the judge. */
export async function readAccountState(store: Store, node: string, account: string): Promise<JudgeState> {
  const { facts } = store;
  const rows = facts.selectFrom("account_histories").select(["account", "level", "body"]);
  const histories = await rows.where("node", "=", node).where("account", "=", account).execute();
  const mails = await facts
    .selectFrom("account_mails")
    .selectAll()
    .where("node", "=", node)
    .where("account", "=", account)
    .orderBy("at")
    .execute();
  const site = await facts.selectFrom("account_site").selectAll().where("node", "=", node).execute();
  return {
    histories,
    mails: mails.map(toMail),
    site: new Map(site.map(({ key, body }) => [key, body])),
    events: [],
  };
}

function toMail({ queue_id: queueId, account, at, counted }: Selectable<Tables["account_mails"]>) {
  return { queueId, account, at, counted: counted !== 0 };
}

/** The history of one account, of all nodes. */
export async function eraseHistory(tx: Transaction<Tables>, account: string): Promise<void> {
  await tx.deleteFrom("account_histories").where("account", "=", account).execute();
  await tx.deleteFrom("account_mails").where("account", "=", account).execute();
}
