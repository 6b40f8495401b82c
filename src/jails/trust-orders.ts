// What a person asks of trust: to add, to take back, to be told. Shared by the API and by verbs that work while no daemon runs.

import { type Network, parseNetwork, printNetwork } from "../core/ip.ts";
import { Problem } from "../core/problem.ts";
import type { TrustEntry } from "../core/trust-list.ts";
import { parseUntil } from "../core/until-text.ts";
import type { Author } from "../store/audit.ts";
import type { Store } from "../store/db.ts";
import { readTrusts, removeTrust, saveTrusts } from "../store/trusts.ts";
import { parseAddresses, trustAdmin } from "./ban-orders.ts";

export interface TrustOrder {
  readonly value: string;
  /** An ISO time, HH:MM or a duration; without it the trust does not end. */
  readonly until: string | undefined;
  readonly note: string;
  /** Where the person is who asks. */
  readonly adminAddress: string | undefined;
  readonly dryRun: boolean;
}

/** What became of an order: `value` as it stands in the row. */
export interface TrustChange {
  readonly value: string;
  readonly changed: boolean;
}

/** Throws a Problem bans/bad-address or bans/bad-time. */
export async function orderTrust(store: Store, order: TrustOrder, author: Author): Promise<TrustChange> {
  const { note, adminAddress, dryRun } = order;
  const value = parseTrusted(order.value);
  const until = order.until === undefined ? undefined : parseUntil(order.until, author.now, "bans/bad-time");
  if (!dryRun) {
    await trustAdmin(store, adminAddress, author);
    await saveTrusts(store, [{ value, origin: "added", node: "", until, note }], author);
  }
  return { value, changed: true };
}

/** Takes back what was added. Throws a Problem bans/bad-address. */
export async function orderDistrust(
  store: Store,
  order: Pick<TrustOrder, "value" | "dryRun">,
  author: Author,
): Promise<TrustChange> {
  const value = parseTrusted(order.value);
  const changed = order.dryRun ? await isAdded(store, value, author.now) : await removeTrust(store, value, author);
  return { value, changed };
}

/** True for what a `trust remove` would take back. */
async function isAdded(store: Store, value: string, now: number): Promise<boolean> {
  return (await readTrusts(store, now)).some((trust) => trust.value === value && trust.origin !== "node");
}

export interface ShownTrust {
  readonly address: string;
  readonly why: string;
  readonly until: string | null;
}

export function showTrusts(entries: readonly TrustEntry[]): ShownTrust[] {
  return entries.map(({ network, why, until }) => ({
    ...{ address: printNetwork(network), why, until: until === undefined ? null : new Date(until).toISOString() },
  }));
}

export interface TrustCheckOutcome {
  readonly address: string;
  readonly trusted: boolean;
  /** The trusted network. */
  readonly by: string | null;
  readonly why: string | null;
}

/** Whether an address may be banned, by what `find` finds. Throws a Problem bans/bad-address. */
export function checkTrust(
  value: string,
  find: (address: Network, now: number) => TrustEntry | undefined,
  now: number,
): TrustCheckOutcome {
  const [address] = parseAddresses([value]);
  if (address === undefined) throw new Error("one address is one network");
  const entry = find(address, now);
  return {
    address: printNetwork(address),
    trusted: entry !== undefined,
    by: entry === undefined ? null : printNetwork(entry.network),
    why: entry?.why ?? null,
  };
}

const trustName = /^(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/;

/** A network as it is printed, or a host name in lower case. Throws a Problem bans/bad-address. */
function parseTrusted(text: string): string {
  const network = parseNetwork(text);
  if (network !== undefined) return printNetwork(network);
  const name = text.toLowerCase().replace(/\.$/, "");
  // `1.2.3` and `010.0.0.1` look like names, and are addresses to some programs.
  if (trustName.test(name) && /[a-z]/.test(name.split(".").at(-1) ?? "")) return name;
  throw new Problem(`${JSON.stringify(text)} is neither an address nor a host name`, {
    code: "bans/bad-address",
    hint: "an address, a network, or a host name with a dot",
  });
}
