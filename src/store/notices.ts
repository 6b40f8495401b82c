// The outbox: notices as rows, written in the transaction of their cause (decided 13), and their deliveries.

import { randomBytes } from "node:crypto";
import type { Kysely, Selectable } from "kysely";
import { type Notice, type NoticeKind, noticeKinds, type Severity, severities } from "../core/notice.ts";
import type { Store } from "./db.ts";
import type { Tables } from "./tables.ts";

/** Longer texts are cut: a subject comes from a log or a client. */
const textMax = 500;

export interface StoredNotice extends Notice {
  readonly id: string;
}

/** waiting: to be sent. digest: to be sent with others. sent. failed: given up. repeated: the same was sent a short while ago. */
export type DeliveryState = "waiting" | "digest" | "sent" | "failed" | "repeated";

export interface Delivery {
  readonly notice: string;
  readonly channel: string;
  readonly state: DeliveryState;
  /** ms since the epoch: when it is tried next, or was due. */
  readonly dueAt: number;
  readonly attempts: number;
  /** 0 while it is open. */
  readonly endedAt: number;
  readonly error: string;
}

/** Writes notices; call it in the transaction that changes what they tell of. */
export async function addNotices(db: Kysely<Tables>, notices: readonly Notice[]): Promise<void> {
  const lot = randomBytes(6).toString("hex");
  for (const [i, { kind, severity, subject, at, facts }] of notices.entries()) {
    const short = Object.fromEntries(Object.entries(facts).map(([label, value]) => [label, tame(value)]));
    const id = `${at}-${lot}-${String(i).padStart(4, "0")}`;
    const row = { id, at, kind, severity, subject: tame(subject), facts: JSON.stringify(short), routed: 0 };
    await db.insertInto("notices").values(row).execute();
  }
}

/** Texts come from logs and clients: one printable line, cut. */
function tame(text: string): string {
  return text.slice(0, textMax).replace(/\p{Cc}/gu, "\uFFFD");
}

/** Notices that no channel has been chosen for yet, oldest first. */
export async function readUnrouted(store: Store, limit: number): Promise<readonly StoredNotice[]> {
  const rows = await store.facts
    .selectFrom("notices")
    .selectAll()
    .where("routed", "=", 0)
    .orderBy("at")
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map(toNotice);
}

/** Writes where a notice goes. Routing the same notice twice changes nothing. */
export async function routeNotice(store: Store, id: string, deliveries: readonly Delivery[]): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    for (const delivery of deliveries) {
      const row = toRow(delivery);
      await tx
        .insertInto("deliveries")
        .values(row)
        .onConflict((conflict) => conflict.columns(["notice", "channel"]).doNothing())
        .execute();
    }
    await tx.updateTable("notices").set({ routed: 1 }).where("id", "=", id).execute();
  });
}

/** True when a notice of this kind and subject went to the channel, or waits for it, since a time. */
export async function wasTold(
  store: Store,
  { kind, subject }: Notice,
  channel: string,
  since: number,
): Promise<boolean> {
  const row = await store.facts
    .selectFrom("notices")
    .innerJoin("deliveries", "deliveries.notice", "notices.id")
    .select("notices.id")
    .where("notices.kind", "=", kind)
    .where("notices.subject", "=", subject)
    .where("notices.at", ">=", since)
    .where("deliveries.channel", "=", channel)
    .where("deliveries.state", "in", ["waiting", "digest", "sent"])
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

export interface DueDelivery {
  readonly delivery: Delivery;
  readonly notice: StoredNotice;
}

/**
 * Takes what is due, oldest first: each is put off to `until` in the same step, so that another node, or we after a crash, try it again
 * then and not before.
 */
export async function takeDue(
  store: Store,
  now: number,
  until: number,
  limit: number,
): Promise<readonly DueDelivery[]> {
  const rows = await store.facts
    .selectFrom("deliveries")
    .innerJoin("notices", "notices.id", "deliveries.notice")
    .selectAll("deliveries")
    .select(["notices.id", "notices.at", "notices.kind", "notices.severity", "notices.subject", "notices.facts"])
    .where("deliveries.state", "in", ["waiting", "digest"])
    .where("deliveries.due_at", "<=", now)
    .orderBy("deliveries.due_at")
    .orderBy("deliveries.notice")
    .limit(limit)
    .execute();
  const taken: DueDelivery[] = [];
  for (const row of rows) {
    const { numUpdatedRows } = await store.facts
      .updateTable("deliveries")
      .set({ due_at: until })
      .where("notice", "=", row.notice)
      .where("channel", "=", row.channel)
      .where("due_at", "=", row.due_at)
      .executeTakeFirst();
    if (Number(numUpdatedRows) === 1)
      taken.push({ delivery: toDelivery(row), notice: toNotice({ ...row, routed: 1 }) });
  }
  return taken;
}

/** Writes how deliveries stand after a try. */
export async function saveDeliveries(store: Store, deliveries: readonly Delivery[]): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    for (const delivery of deliveries) {
      const { notice, channel, ...rest } = toRow(delivery);
      await tx
        .updateTable("deliveries")
        .set(rest)
        .where("notice", "=", notice)
        .where("channel", "=", channel)
        .execute();
    }
  });
}

/** How many messages a channel has taken since a time. A digest counts once for each notice in it. */
export async function countSent(store: Store, channel: string, since: number): Promise<number> {
  const row = await store.facts
    .selectFrom("deliveries")
    .select((select) => select.fn.countAll<number>().as("rows"))
    .where("channel", "=", channel)
    .where("state", "=", "sent")
    .where("ended_at", ">=", since)
    .executeTakeFirst();
  return Number(row?.rows ?? 0);
}

export interface NoticeWithDeliveries {
  readonly notice: StoredNotice;
  readonly deliveries: readonly Delivery[];
}

/** Notices newest first, at most `limit`, from behind the id `after`. */
export async function listNotices(
  store: Store,
  limit: number,
  after: string | undefined,
): Promise<readonly NoticeWithDeliveries[]> {
  let query = store.facts.selectFrom("notices").selectAll().orderBy("at", "desc").orderBy("id", "desc").limit(limit);
  const edge = after === undefined ? undefined : await noticeOf(store, after);
  if (edge !== undefined) {
    query = query.where(({ eb, refTuple, tuple }) => eb(refTuple("at", "id"), "<", tuple(edge.at, edge.id)));
  }
  const rows = await query.execute();
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const sent = await store.facts.selectFrom("deliveries").selectAll().where("notice", "in", ids).execute();
  return rows.map((row) => ({
    notice: toNotice(row),
    deliveries: sent.filter(({ notice }) => notice === row.id).map(toDelivery),
  }));
}

function noticeOf(store: Store, id: string): Promise<{ at: number; id: string } | undefined> {
  return store.facts.selectFrom("notices").select(["at", "id"]).where("id", "=", id).executeTakeFirst();
}

/** Forgets notices from before a time, with their deliveries. */
export async function pruneNotices(store: Store, before: number): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    await tx
      .deleteFrom("deliveries")
      .where("notice", "in", tx.selectFrom("notices").select("id").where("at", "<", before))
      .execute();
    await tx.deleteFrom("notices").where("at", "<", before).execute();
  });
}

function toRow({ notice, channel, state, dueAt, attempts, endedAt, error }: Delivery): Tables["deliveries"] {
  return { notice, channel, state, due_at: dueAt, attempts, ended_at: endedAt, error: tame(error) };
}

function toDelivery(row: Selectable<Tables["deliveries"]>): Delivery {
  return {
    notice: row.notice,
    channel: row.channel,
    state: row.state as DeliveryState,
    dueAt: Number(row.due_at),
    attempts: Number(row.attempts),
    endedAt: Number(row.ended_at),
    error: row.error,
  };
}

function toNotice(row: Selectable<Tables["notices"]>): StoredNotice {
  const { id, subject } = row;
  const at = Number(row.at);
  return { id, at, subject, kind: kindOf(row.kind), severity: severityOf(row.severity), facts: factsOf(row.facts) };
}

/** A kind that a later version wrote is shown as a test would be. */
function kindOf(text: string): NoticeKind {
  return noticeKinds.find((kind) => kind === text) ?? "test";
}

function severityOf(text: string): Severity {
  return severities.find((severity) => severity === text) ?? "warning";
}

function factsOf(json: string): Readonly<Record<string, string>> {
  const parsed: unknown = JSON.parse(json);
  return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, string>) : {};
}
