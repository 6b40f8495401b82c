// What the jails in the logs thread and their owner in the main thread tell each other. Plain data.

import type { Ban } from "../core/ban.ts";
import { printNetwork } from "../core/ip.ts";
import type { PortList } from "../core/port-list.ts";
import type { GoodLogin } from "./good-logins.ts";
import type { JailCounts, JailSetting, LastBan, RecordedFailure } from "./jail.ts";
import type { Mildness, Softened } from "./own-jails.ts";
import type { Ticket } from "./ticket.ts";

/** The name of the part. */
export const jailsPart = "jails";

/** A trusted network as text, and until when. */
export interface TrustedText {
  readonly network: string;
  readonly until: number | undefined;
}

/** A ban that a firewall holds, as far as leaks concern. */
export interface StandingBan {
  readonly address: string;
  readonly jail: string;
  readonly from: number;
  readonly until: number | undefined;
  /** undefined: all of them. */
  readonly ports: PortList | undefined;
}

export function standingBan({ address, jail, from, until, ports }: Ban): StandingBan {
  return { address: printNetwork(address), jail, from, until, ports };
}

/** Lines of an address that a firewall should keep away. */
export interface Leak {
  readonly address: string;
  /** What is banned: the address, or a network around it. */
  readonly ban: string;
  readonly jail: string;
  /** When the ban was there to be held, ms since the epoch. */
  readonly since: number;
  /** So many lines of this ban, the one at `at` with them. */
  readonly lines: number;
  readonly at: number;
}

/** What the part starts from. */
export interface JailsStart {
  /** ms since the epoch. */
  readonly now: number;
  readonly own: readonly JailSetting[];
  readonly mildness: Mildness;
  readonly accounts: {
    readonly defaultDomain: string;
    readonly aliases: readonly { readonly alias: string; readonly account: string }[];
  };
  readonly quotaTexts: readonly string[];
  readonly trusted: readonly TrustedText[];
  readonly failures: readonly FailuresWrite[];
  readonly logins: readonly GoodLogin[];
  readonly bans: readonly StandingBan[];
  /** Ids that are remembered, all jails together. */
  readonly failingMax: number;
  /** Fail2ban's jails: the directory (empty: none), and how they count. */
  readonly fail2ban: { readonly directory: string; readonly method: "sliding" | "estimate" };
}

export interface FailuresWrite {
  readonly kind: "failures";
  readonly jail: string;
  readonly failures: readonly RecordedFailure[];
  /** When the last of them counts no more, ms since the epoch. */
  readonly until: number;
}

export type JailsWrite =
  | { readonly kind: "ticket"; readonly ticket: Ticket }
  | { readonly kind: "login"; readonly login: GoodLogin }
  | { readonly kind: "leak"; readonly leak: Leak }
  | FailuresWrite;

export type JailsQuestion =
  /** What is trusted has changed. */
  | { readonly kind: "trust"; readonly trusted: readonly TrustedText[] }
  /** Quotas may have other texts. */
  | { readonly kind: "quota-texts"; readonly texts: readonly string[] }
  /** Bans that are there or gone; `forgiven` networks start from nought. */
  | {
      readonly kind: "bans";
      readonly added: readonly StandingBan[];
      readonly removed: readonly { readonly address: string; readonly jail: string }[];
      readonly forgiven: readonly { readonly network: string; readonly jail: string | undefined }[];
    }
  | { readonly kind: "failing"; readonly jail: string; readonly limit: number };

export interface FailingId {
  readonly id: string;
  readonly count: number;
  readonly at: number;
}

/** How a jail stands. */
export interface JailReport {
  readonly name: string;
  readonly origin: "own" | "fail2ban";
  readonly setting: JailSetting;
  readonly failing: number;
  readonly counts: JailCounts;
  readonly lastBan: LastBan | undefined;
  /** What of it is left alone, and why, one sentence each. */
  readonly troubles: readonly string[];
}

export interface JailsReport {
  readonly jails: readonly JailReport[];
  readonly softened: readonly Softened[];
  readonly leaks: LeaksReport;
  /** Why jails of Fail2ban's configuration do not run. */
  readonly problems: readonly string[];
}

export interface LeaksReport {
  /** Lines of banned addresses after the ban took effect. */
  readonly lines: number;
  /** The last one. */
  readonly last: { readonly address: string; readonly jail: string; readonly at: number } | undefined;
}
