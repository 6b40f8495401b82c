// What a person asks for: to ban, to unban, to trust. Shared by the API and by verbs that work while no daemon runs.

import { type Ban, manualJail, type TrustCheck, type WantedBan } from "../core/ban.ts";
import { parseDuration } from "../core/duration.ts";
import { type Network, parseNetwork, printNetwork } from "../core/ip.ts";
import { Problem } from "../core/problem.ts";
import type { Author } from "../store/audit.ts";
import { findBans, readAllBans } from "../store/ban-list.ts";
import { type BanOutcome, banNow, type Unban, unbanNow } from "../store/bans.ts";
import type { Store } from "../store/db.ts";
import { saveTrusts } from "../store/trusts.ts";

/** When nobody says for how long. */
export const manualForDefault = "1h";

/** A person who is logged in stays trusted for a working day. */
const adminMs = 12 * 3_600_000;

export interface BanHouse {
  readonly store: Store;
  readonly trust: TrustCheck;
  readonly node: string;
  /** `[jails] mode`. */
  readonly enforce: boolean;
}

export interface BanOrder {
  readonly addresses: readonly string[];
  readonly for: string;
  readonly jail?: string | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
}

/** Bans what is not trusted. Throws a Problem bans/bad-address or bans/bad-time. */
export async function orderBans(house: BanHouse, order: BanOrder, author: Author): Promise<readonly BanOutcome[]> {
  const { store, trust, node, enforce } = house;
  const until = parseFor(order.for, author.now);
  const bans = parseAddresses(order.addresses).map(
    (address): WantedBan => ({
      ...{ address, jail: order.jail ?? manualJail, from: author.now, until, reason: order.reason, origin: "admin" },
      ...{ ports: undefined, enforce, node, evidence: "" },
    }),
  );
  if (order.dryRun) return bans.map((ban) => rehearse(ban, trust, author.now));
  return banNow(store, bans, trust, author);
}

function rehearse(wanted: WantedBan, trust: TrustCheck, now: number): BanOutcome {
  const why = trust(wanted.address, now);
  if (why !== undefined) return { outcome: "trusted", wanted, why };
  const { evidence: _, ...ban } = wanted;
  return { outcome: "added", ban: { ...ban, count: 1 } };
}

export interface UnbanOrder {
  readonly addresses: readonly string[] | "all";
  readonly jail?: string | undefined;
  /** A duration: trusted that long afterwards. */
  readonly trust?: string | undefined;
  readonly dryRun: boolean;
}

/** Ends every ban that overlaps; what stood is answered. */
export async function orderUnban(store: Store, order: UnbanOrder, author: Author): Promise<readonly Ban[]> {
  const addresses: Unban["addresses"] = order.addresses === "all" ? "all" : parseAddresses(order.addresses);
  const until = order.trust === undefined ? undefined : parseFor(order.trust, author.now);
  const chosen = { addresses, ...(order.jail === undefined ? {} : { jail: order.jail }) };
  if (order.dryRun) {
    const found =
      addresses === "all" ? await Array.fromAsync(readAllBans(store)) : await findBans(store.facts, addresses);
    return found.filter(({ jail }) => order.jail === undefined || jail === order.jail);
  }
  const removed = await unbanNow(store, chosen, author);
  if (order.trust !== undefined && addresses !== "all") {
    const rows = addresses.map((address) => ({
      value: printNetwork(address),
      origin: "added" as const,
      node: "",
      until,
    }));
    await saveTrusts(
      store,
      rows.map((row) => ({ ...row, note: "unban" })),
      author,
    );
  }
  return removed;
}

/** Where the person who gives an order is: he must not lock himself out. `text` is what SSH_CONNECTION began with. */
export async function trustAdmin(store: Store, text: string | undefined, author: Author): Promise<void> {
  const address = text === undefined ? undefined : parseNetwork(text);
  if (address === undefined) return;
  const until = author.now + adminMs;
  await saveTrusts(
    store,
    [{ value: printNetwork(address), origin: "admin", node: "", until, note: author.by }],
    author,
  );
}

/** Only what our own parser takes: `010.0.0.1`, names and zones mean other machines to other programs. */
export function parseAddresses(texts: readonly string[]): readonly Network[] {
  return texts.map((text) => {
    const address = parseNetwork(text);
    if (address !== undefined) return address;
    throw new Problem(`${JSON.stringify(text)} is no address`, {
      code: "bans/bad-address",
      hint: "an address or a network, as in 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64",
    });
  });
}

/** The end of a duration from `now`, undefined for `forever`. Throws a Problem bans/bad-time. */
function parseFor(text: string, now: number): number | undefined {
  if (text === "forever") return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return now + ms;
  throw new Problem(`not a duration: ${text}`, { code: "bans/bad-time", hint: "1h, 30m, 7d or forever" });
}
