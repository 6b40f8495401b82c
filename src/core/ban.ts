// A ban: an address or network that is kept away, for how long and why. Every road to the firewall ends in one of these as a row;
// what enforces them only ever sees rows.

import { type Ip, type Network, printNetwork } from "./ip.ts";
import type { PortList } from "./port-list.ts";

/** Whose wish it was: a jail, a person, another program's list, an account that was taken over. */
export type BanOrigin = "jail" | "admin" | "import" | "account";

/** Times in ms since the epoch. One row for an address and a jail. */
export interface Ban {
  readonly address: Network;
  /** `manual` where a person gave none. */
  readonly jail: string;
  readonly from: number;
  /** Without it the ban does not end. */
  readonly until: number | undefined;
  readonly reason: string;
  readonly origin: BanOrigin;
  /** TCP ports that are closed to it; undefined closes everything. */
  readonly ports: PortList | undefined;
  /** false: a row of a jail that observes. The firewall passes over it. */
  readonly enforce: boolean;
  /** The node that wished it; every node enforces it. */
  readonly node: string;
  /** How many times it was wished for while it stood. */
  readonly count: number;
}

/** A ban to be added. */
export interface WantedBan extends Omit<Ban, "count"> {
  /** JSON: the lines that led to it and how the count grew. Cut at evidenceMax. */
  readonly evidence: string;
}

/** Bytes are about characters here: a handful of log lines. Longer evidence is left out, not cut into broken JSON. */
export const evidenceMax = 8_192;

/** Longer names and reasons are cut before they are stored. */
export const banTextMax = 500;

export const manualJail = "manual";

/** Why an address may not be banned, or undefined. A network that merely contains something trusted may not either. */
export type TrustCheck = (address: Network, now: number) => string | undefined;

/** What a question needs to know of the ban that concerns it. */
export type FoundBan = Pick<Ban, "address" | "jail" | "until" | "reason" | "enforce">;

/** Standing bans, kept in memory. */
export interface BanLookup {
  /** A ban around `ip` that closes the TCP port (0: not known); one that is enforced rather than one that observes. */
  find(ip: Ip, port: number, now: number): FoundBan | undefined;
}

/** One text for each ban that stands. */
export function banKey(ban: { readonly address: Network; readonly jail: string }): string {
  return `${printNetwork(ban.address)} ${ban.jail}`;
}

/** True while the ban holds at `now`. */
export function isStanding({ until }: { readonly until: number | undefined }, now: number): boolean {
  return until === undefined || until > now;
}
