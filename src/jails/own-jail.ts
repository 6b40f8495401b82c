// The contract of an own jail: which mail events are failures. Each is one file in own/.

import type { MailEvent, MailKind } from "../core/event.ts";
import type { Ip } from "../core/ip.ts";

/** What a jail may ask about the site. */
export interface JailSite {
  /** True when the text of a refusal is that of one of our quotas. */
  isQuotaRefusal(reason: string): boolean;
  /** True when the account logged in lately from the network of the address. */
  isKnownHere(ip: Ip, account: string, now: number): boolean;
}

export interface EventSeen {
  readonly event: MailEvent;
  /** Its address. */
  readonly ip: Ip;
  /** Refused passwords that the event adds. */
  readonly refused: number;
  /** The canonical account; empty when the event names none. */
  readonly account: string;
  readonly now: number;
}

export interface OwnJail {
  /** The name of the jail; its section of the configuration has `_` for `-`. */
  readonly name: string;
  /** One sentence for the reference. */
  readonly help: string;
  /** Its failures, in the plural. */
  readonly what: string;
  /** The kind of events that it asks about; it sees no other. */
  readonly kind: MailKind;
  /** Failures of the event's client. */
  failures(seen: EventSeen, site: JailSite): number;
  /** An account that fails again counts once. */
  readonly countsAccountsOnce?: true;
  /** Known accounts and shared addresses are treated mildly, and a success takes back the account's failures. */
  readonly isMild?: true;
  /** Counts for the account too, whatever address it comes from. */
  readonly countsByAccount?: true;
}
