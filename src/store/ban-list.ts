// Reading bans: pages for people, what touches an address, all of them and then only what changed, and what there was before.

import type { Kysely, Selectable } from "kysely";
import { type Ban, isStanding } from "../core/ban.ts";
import { type Network, printNetwork } from "../core/ip.ts";
import { addressOfRow, aroundTexts, type BanAct, banOfRow, endsOf, untilOfRow } from "./ban-row.ts";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

/** Rows of a page (decided 17). */
const pageMax = 500;

/** Rows streamed at a time. */
const streamRows = 1_000;

/** Changes taken one by one; a reader further behind reads everything. */
const changesMax = 20_000;

export interface BanQuery {
  readonly now: number;
  readonly limit: number;
  readonly jail?: string;
  /** The last ban of the page before. */
  readonly behind?: { readonly from: number; readonly address: string; readonly jail: string };
}

/** Standing bans, newest first, at most 500. */
export async function listBans(store: Store, { now, limit, jail, behind }: BanQuery): Promise<readonly Ban[]> {
  let query = store.facts.selectFrom("bans").selectAll().where("until_at", ">", now);
  if (jail !== undefined) query = query.where("jail", "=", jail);
  if (behind !== undefined) {
    const { from, address, jail: last } = behind;
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple("from_at", "address", "jail"), "<", tuple(from, address, last)),
    );
  }
  const rows = await query
    .orderBy("from_at", "desc")
    .orderBy("address", "desc")
    .orderBy("jail", "desc")
    .limit(Math.min(limit, pageMax))
    .execute();
  return rows.map(banOfRow);
}

/** Standing bans, and how many of them are enforced. */
export async function countBans(
  store: Store,
  now: number,
): Promise<{ readonly all: number; readonly enforced: number }> {
  const row = await store.facts
    .selectFrom("bans")
    .select(({ fn }) => [fn.countAll().as("rows"), fn.sum("enforce").as("enforced")])
    .where("until_at", ">", now)
    .executeTakeFirst();
  return { all: Number(row?.rows ?? 0), enforced: Number(row?.enforced ?? 0) };
}

/** Bans of the addresses, of networks around them, and of what lies inside them; also those that have just ended. */
export async function findBans(db: Kysely<Tables>, addresses: readonly Network[]): Promise<Ban[]> {
  const found = new Map<string, Ban>();
  for (const address of addresses) {
    const [first, last] = endsOf(address);
    const rows = await db
      .selectFrom("bans")
      .selectAll()
      .where(({ eb, or, between }) => or([eb("address", "in", aroundTexts(address)), between("first", first, last)]))
      .execute();
    for (const row of rows) found.set(`${row.address} ${row.jail}`, banOfRow(row));
  }
  return [...found.values()];
}

export interface BanChange {
  readonly act: BanAct;
  readonly address: Network;
  /** Empty where an address was forgiven in every jail. */
  readonly jail: string;
  /** As the row stands; undefined where there is none. */
  readonly ban: Ban | undefined;
}

export interface BanChanges {
  /** What to ask from the next time. */
  readonly seq: number;
  /** Undefined: too much has happened, or is forgotten; read all. */
  readonly changes: readonly BanChange[] | undefined;
}

/** The number of the last change; readAllBans sees at least everything up to it. */
export async function lastBanChange(store: Store): Promise<number> {
  const row = await store.facts
    .selectFrom("ban_changes")
    .select(({ fn }) => fn.max("seq").as("seq"))
    .executeTakeFirst();
  return Number(row?.seq ?? 0);
}

/** Every row, in the reader's own time. */
export async function* readAllBans(store: Store): AsyncGenerator<Ban> {
  for await (const row of store.facts.selectFrom("bans").selectAll().stream(streamRows)) yield banOfRow(row);
}

/** What happened behind `after`. Several changes of one ban come as its last one. */
export async function readBanChanges(store: Store, after: number): Promise<BanChanges> {
  const rows = await store.facts
    .selectFrom("ban_changes as change")
    .leftJoin("bans as ban", (join) =>
      join.onRef("ban.address", "=", "change.address").onRef("ban.jail", "=", "change.jail"),
    )
    .select(["change.seq", "change.act", "change.address", "change.jail", "ban.first", "ban.from_at", "ban.until_at"])
    .select(["ban.reason", "ban.origin", "ban.ports", "ban.enforce", "ban.node", "ban.count"])
    .select((eb) => eb.selectFrom("ban_changes").select(eb.fn.min("seq").as("oldest")).as("oldest"))
    .where("change.seq", ">", after)
    .orderBy("change.seq")
    .limit(changesMax)
    .execute();
  const first = rows[0];
  if (first === undefined) {
    const last = await lastBanChange(store);
    // What was committed since the first look is for the next one: its number must not be passed over.
    return last < after ? { seq: last, changes: undefined } : { seq: after, changes: [] };
  }
  const seq = Number(rows.at(-1)?.seq ?? after);
  // Numbers have gaps on PostgreSQL: only what was pruned is missing.
  const isForgotten = after > 0 && Number(first.oldest) > after;
  if (rows.length === changesMax || isForgotten) return { seq, changes: undefined };
  const changes = new Map<string, BanChange>();
  for (const row of rows) {
    const { act, address, jail } = row;
    const ban = row.first === null ? undefined : banOfRow(row as unknown as Selectable<Tables["bans"]>);
    const key = `${address} ${jail}`;
    changes.delete(key);
    changes.set(key, { act: act as BanAct, address: addressOfRow(address), jail, ban });
  }
  return { seq, changes: [...changes.values()] };
}

export interface PastBan extends Omit<Ban, "ports"> {
  /** When somebody ended it before its time, and who. */
  readonly ended: { readonly at: number; readonly by: string } | undefined;
  readonly isStanding: boolean;
  /** JSON of its lines and count, or empty. */
  readonly evidence: string;
}

/** Bans that an address has or had, also by networks around it, newest first. */
export async function readBanHistory(
  store: Store,
  { address, jail, now, limit }: { address: Network; jail?: string; now: number; limit: number },
): Promise<readonly PastBan[]> {
  let query = store.facts.selectFrom("ban_history").selectAll().where("address", "in", aroundTexts(address));
  if (jail !== undefined) query = query.where("jail", "=", jail);
  const rows = await query.orderBy("from_at", "desc").limit(Math.min(limit, pageMax)).execute();
  return rows.map((row) => pastBan(row, now));
}

function pastBan(row: Selectable<Tables["ban_history"]>, now: number): PastBan {
  const until = untilOfRow(row.until_at);
  const ended = row.ended_at === 0 ? undefined : { at: row.ended_at, by: row.ended_by };
  return {
    ...banOfRow({ ...row, first: "", ports: "" }),
    ended,
    isStanding: ended === undefined && isStanding({ until }, now),
    evidence: row.evidence,
  };
}

export interface PriorBans {
  readonly count: number;
  /** Lengths of all of them together, ms; bans without an end count as nought. */
  readonly totalMs: number;
}

/** What bantime.increment asks: earlier bans of each address, in one jail or (without one) in all. By printed address; absent: none. */
export async function countPriorBans(
  db: Kysely<Tables>,
  addresses: readonly Network[],
  jail?: string,
): Promise<ReadonlyMap<string, PriorBans>> {
  const prior = new Map<string, PriorBans>();
  const texts = [...new Set(addresses.map(printNetwork))];
  for (const part of partsOf(texts)) {
    let query = db.selectFrom("ban_history").select(["address", "from_at", "until_at"]).where("address", "in", part);
    if (jail !== undefined) query = query.where("jail", "=", jail);
    for (const { address, from_at, until_at } of await query.execute()) {
      const { count, totalMs } = prior.get(address) ?? { count: 0, totalMs: 0 };
      const length = untilOfRow(until_at) === undefined ? 0 : until_at - from_at;
      prior.set(address, { count: count + 1, totalMs: totalMs + length });
    }
  }
  return prior;
}
