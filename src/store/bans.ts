// Bans as rows: the one road to the firewall. Whoever wishes a ban adds a row here, and what is trusted is refused here;
// jails/enforce makes the firewall equal to the rows.

import type { Transaction } from "kysely";
import { type Ban, banKey, banTextMax, evidenceMax, isStanding, type TrustCheck, type WantedBan } from "../core/ban.ts";
import { type Network, printNetwork } from "../core/ip.ts";
import { parsePorts, printPorts } from "../core/port-list.ts";
import { type AuditEntry, type Author, writeAudit } from "./audit.ts";
import { findBans } from "./ban-list.ts";
import { type BanAct, banOfRow, banToRow, untilToRow } from "./ban-row.ts";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

/** More bans of one act than this are told by the audit in one entry. */
const auditedMax = 100;

export type BanOutcome =
  /** `standing`: it stood already, and for at least as long; only its count grew. */
  | { readonly outcome: "added" | "prolonged" | "standing"; readonly ban: Ban }
  | { readonly outcome: "trusted"; readonly wanted: WantedBan; readonly why: string };

export interface AddOptions {
  readonly trust: TrustCheck;
  /** ms since the epoch. */
  readonly now: number;
}

type Tx = Transaction<Tables>;

/**
 * Adds bans inside the caller's transaction, which announces the fact `bans` afterwards. Answers in the order of `wanted`.
 * A ban that stands is prolonged and its count grows; one that only observes never undoes one that is enforced.
 */
export async function addBans(
  tx: Tx,
  wanted: readonly WantedBan[],
  { trust, now }: AddOptions,
): Promise<readonly BanOutcome[]> {
  const outcomes: BanOutcome[] = [];
  for (const part of partsOf(wanted)) {
    outcomes.push(...(await addPart(tx, part, trust, now)));
  }
  return outcomes;
}

async function addPart(tx: Tx, wanted: readonly WantedBan[], trust: TrustCheck, now: number): Promise<BanOutcome[]> {
  const standing = await readStanding(tx, wanted, now);
  const changed = new Map<string, { readonly ban: Ban; readonly evidence: string }>();
  const outcomes = wanted.map((one): BanOutcome => {
    const why = trust(one.address, now);
    if (why !== undefined) return { outcome: "trusted", wanted: one, why };
    const key = banKey(one);
    const before = standing.get(key);
    const ban = before === undefined ? freshBan(one) : merge(before, one);
    const outcome = before === undefined ? "added" : isLonger(before, ban) ? "prolonged" : "standing";
    standing.set(key, ban);
    const evidence = outcome === "standing" ? (changed.get(key)?.evidence ?? "") : one.evidence;
    changed.set(key, { ban, evidence: evidence.length <= evidenceMax ? evidence : "" });
    return { outcome, ban };
  });
  await saveBans(tx, [...changed.values()]);
  return outcomes;
}

async function readStanding(tx: Tx, wanted: readonly WantedBan[], now: number): Promise<Map<string, Ban>> {
  const addresses = [...new Set(wanted.map(({ address }) => printNetwork(address)))];
  if (addresses.length === 0) return new Map();
  const rows = await tx.selectFrom("bans").selectAll().where("address", "in", addresses).execute();
  const bans = rows.map(banOfRow).filter((ban) => isStanding(ban, now));
  return new Map(bans.map((ban) => [banKey(ban), ban]));
}

function freshBan({ evidence: _, ...wanted }: WantedBan): Ban {
  return { ...wanted, reason: wanted.reason.slice(0, banTextMax), jail: wanted.jail.slice(0, banTextMax), count: 1 };
}

function merge(before: Ban, wanted: WantedBan): Ban {
  const count = before.count + 1;
  if (before.enforce && !wanted.enforce) return { ...before, count };
  if (!before.enforce && wanted.enforce) return { ...freshBan(wanted), count };
  const ports =
    before.ports === undefined || wanted.ports === undefined
      ? undefined
      : parsePorts(printPorts([...before.ports, ...wanted.ports]));
  if (untilToRow(wanted.until) <= untilToRow(before.until)) return { ...before, ports, count };
  return { ...freshBan(wanted), ports, from: before.from, count };
}

/** True when the firewall has more to do than before. */
function isLonger(before: Ban, after: Ban): boolean {
  const ports = ({ ports: list }: Ban) => (list === undefined ? "" : printPorts(list));
  return before.until !== after.until || before.enforce !== after.enforce || ports(before) !== ports(after);
}

async function saveBans(tx: Tx, changed: readonly { readonly ban: Ban; readonly evidence: string }[]): Promise<void> {
  if (changed.length === 0) return;
  const rows = changed.map(({ ban }) => banToRow(ban));
  await tx
    .insertInto("bans")
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(["address", "jail"]).doUpdateSet(({ ref }) => ({
        ...{ from_at: ref("excluded.from_at"), until_at: ref("excluded.until_at"), reason: ref("excluded.reason") },
        ...{ origin: ref("excluded.origin"), ports: ref("excluded.ports"), enforce: ref("excluded.enforce") },
        ...{ node: ref("excluded.node"), count: ref("excluded.count") },
      })),
    )
    .execute();
  const past = changed.map(({ evidence }, i) => {
    const { first: _, ports: __, ...row } = rows[i] as Tables["bans"];
    return { ...row, ended_at: 0, ended_by: "", evidence };
  });
  await tx
    .insertInto("ban_history")
    .values(past)
    .onConflict((conflict) =>
      conflict.columns(["address", "jail", "from_at"]).doUpdateSet(({ ref, eb }) => ({
        ...{ until_at: ref("excluded.until_at"), reason: ref("excluded.reason"), enforce: ref("excluded.enforce") },
        count: ref("excluded.count"),
        evidence: eb
          .case()
          .when(ref("excluded.evidence"), "=", "")
          .then(ref("ban_history.evidence"))
          .else(ref("excluded.evidence"))
          .end(),
      })),
    )
    .execute();
  await tellChanges(tx, rows, "added");
}

interface Named {
  readonly address: string;
  readonly jail: string;
}

async function tellChanges(tx: Tx, rows: readonly Named[], act: BanAct): Promise<void> {
  for (const part of partsOf(rows)) {
    const values = part.map(({ address, jail }) => ({ address, jail, act }));
    await tx.insertInto("ban_changes").values(values).execute();
  }
}

/** Adds bans that a person or a program wished, with what the audit tells; listeners have taken them when this returns. */
export async function banNow(
  store: Store,
  wanted: readonly WantedBan[],
  trust: TrustCheck,
  author: Author,
): Promise<readonly BanOutcome[]> {
  const outcomes = await store.facts.transaction().execute(async (tx) => {
    const added = await addBans(tx, wanted, { trust, now: author.now });
    const bans = added.flatMap((one) => (one.outcome === "added" || one.outcome === "prolonged" ? [one.ban] : []));
    await writeAudit(tx, auditOf(bans, "added"), author);
    return added;
  });
  if (outcomes.some(({ outcome }) => outcome !== "trusted")) await store.changes.announce("bans");
  return outcomes;
}

function auditOf(bans: readonly Ban[], act: "added" | "removed"): AuditEntry[] {
  if (bans.length > auditedMax) return [{ kind: "ban", name: "*", act, detail: `${bans.length} bans` }];
  return bans.map(({ address, jail, until, reason }) => ({
    kind: "ban",
    name: printNetwork(address),
    act,
    detail: `${jail}${until === undefined ? "" : ` until ${new Date(until).toISOString()}`}${reason && ` ${reason}`}`,
  }));
}

export interface Unban {
  /** What overlaps one of them is removed: the bans of the address, and of networks around or inside it. */
  readonly addresses: readonly Network[] | "all";
  /** Only this jail's. */
  readonly jail?: string;
}

/** Removes bans; counters of the addresses are forgotten by whoever hears it, also where no ban stood. Returns what stood. */
export async function unbanNow(store: Store, { addresses, jail }: Unban, author: Author): Promise<readonly Ban[]> {
  const removed = await store.facts.transaction().execute(async (tx) => {
    const bans = addresses === "all" ? await readAll(tx) : await findBans(tx, addresses);
    const chosen = jail === undefined ? bans : bans.filter((ban) => ban.jail === jail);
    await deleteBans(tx, chosen, { by: author.by, now: author.now });
    const rows = chosen.map((ban) => ({ address: printNetwork(ban.address), jail: ban.jail }));
    const asked =
      addresses === "all" ? [] : addresses.map(printNetwork).map((address) => ({ address, jail: jail ?? "" }));
    await tellChanges(tx, [...rows, ...asked], "removed");
    await writeAudit(tx, auditOf(chosen, "removed"), author);
    return chosen;
  });
  await store.changes.announce("bans");
  return removed;
}

async function readAll(tx: Tx): Promise<Ban[]> {
  return (await tx.selectFrom("bans").selectAll().execute()).map(banOfRow);
}

async function deleteBans(tx: Tx, bans: readonly Ban[], end: { readonly by: string; readonly now: number }) {
  const byJail = Map.groupBy(bans, (ban) => ban.jail);
  for (const [jail, own] of byJail) {
    for (const part of partsOf(own)) {
      const addresses = part.map(({ address }) => printNetwork(address));
      await tx.deleteFrom("bans").where("jail", "=", jail).where("address", "in", addresses).execute();
      await tx
        .updateTable("ban_history")
        .set({ ended_at: end.now, ended_by: end.by })
        .where("jail", "=", jail)
        .where("address", "in", addresses)
        .where("ended_at", "=", 0)
        .where("until_at", ">", end.now)
        .execute();
    }
  }
}

/** Takes away what has ended at `now`, at most `limit`; tells listeners. Returns what ended. */
export async function expireBans(store: Store, now: number, limit = 5_000): Promise<readonly Ban[]> {
  const due = await store.facts
    .selectFrom("bans")
    .select("address")
    .where("until_at", "<=", now)
    .limit(1)
    .executeTakeFirst();
  if (due === undefined) return [];
  const ended = await store.facts.transaction().execute(async (tx) => {
    const rows = await tx
      .selectFrom("bans")
      .selectAll()
      .where("until_at", "<=", now)
      .orderBy("until_at")
      .limit(limit)
      .execute();
    await deleteBans(tx, rows.map(banOfRow), { by: "", now });
    await tellChanges(tx, rows, "expired");
    return rows.map(banOfRow);
  });
  if (ended.length > 0) await store.changes.announce("bans");
  return ended;
}

/** Ends every ban that overlaps what became trusted; for a caller that announces it. */
export async function dropTrusted(tx: Tx, networks: readonly Network[], author: Author): Promise<readonly Ban[]> {
  const bans = await findBans(tx, networks);
  await deleteBans(tx, bans, author);
  await tellChanges(
    tx,
    bans.map((ban) => ({ address: printNetwork(ban.address), jail: ban.jail })),
    "removed",
  );
  return bans;
}

/** Forgets bans that ended before a time, and numbered changes that every reader must have taken. */
export async function pruneBans(store: Store, { before, changes = 200_000 }: { before: number; changes?: number }) {
  await store.facts.transaction().execute(async (tx) => {
    await tx
      .deleteFrom("ban_history")
      .where(({ or, and, eb }) =>
        or([eb("until_at", "<", before), and([eb("ended_at", ">", 0), eb("ended_at", "<", before)])]),
      )
      .execute();
    const last = await tx
      .selectFrom("ban_changes")
      .select(({ fn }) => fn.max("seq").as("seq"))
      .executeTakeFirst();
    await tx
      .deleteFrom("ban_changes")
      .where("seq", "<=", Number(last?.seq ?? 0) - changes)
      .execute();
  });
}
