// What an administrator says of accounts: this was the owner, they travel, several people use it, it is a device. Rows in the store;
// here they become answers for the judge.

import { contains, type Ip, type Network, parseIp, parseNetwork } from "../core/ip.ts";
import type { Login, Marks } from "./account-history.ts";

export const markKinds = ["mine", "trip", "shared", "device", "trust"] as const;
export type MarkKind = (typeof markKinds)[number];

/** mine: a network (`AS15895`, an address or prefix) is the owner's. trip: a country from a time to another. */
export interface Mark {
  /** Empty: all accounts. */
  readonly account: string;
  readonly kind: MarkKind;
  readonly value: string;
  /** ms since the epoch; `until` 0 has no end. */
  readonly from: number;
  readonly until: number;
}

/** `AS15895`, an address, or a prefix; in the one spelling that is kept. Undefined when it is neither. */
export function parseOwnNetwork(text: string): string | undefined {
  const asn = /^AS([1-9][0-9]{0,9})$/i.exec(text)?.[1];
  if (asn !== undefined && Number(asn) < 2 ** 32) return `AS${asn}`;
  return parseNetwork(text) === undefined ? undefined : text.toLowerCase();
}

/** The marks of each account, and those of all. */
export function readMarks(marks: readonly Mark[]): {
  readonly byAccount: ReadonlyMap<string, Marks>;
  readonly site: Marks;
} {
  const groups = Map.groupBy(marks, (mark) => mark.account);
  const byAccount = new Map<string, Marks>();
  for (const [account, own] of groups) if (account !== "") byAccount.set(account, marksOf(own));
  return { byAccount, site: marksOf(groups.get("") ?? []) };
}

function marksOf(marks: readonly Mark[]): Marks {
  const tests = marks.flatMap((mark) => testOf(mark) ?? []);
  const has = (kind: MarkKind) => marks.some((mark) => mark.kind === kind);
  return {
    exempt: has("trust"),
    shared: has("shared"),
    device: has("device"),
    isOwn: tests.length === 0 ? () => false : (login) => tests.some((test) => test(login)),
  };
}

type Test = (login: Pick<Login, "at" | "ip" | "from">) => boolean;

function testOf({ kind, value, from, until }: Mark): Test | undefined {
  if (kind === "trip") {
    return (login) => login.from.country === value && login.at >= from && (until === 0 || login.at <= until);
  }
  if (kind !== "mine") return undefined;
  if (value.startsWith("AS")) {
    const asn = Number(value.slice(2));
    return (login) => login.from.asn === asn;
  }
  const network = parseNetwork(value);
  return network === undefined ? undefined : (login) => isIn(network, parseIp(login.ip));
}

function isIn(network: Network, ip: Ip | undefined): boolean {
  return ip !== undefined && contains(network, ip);
}
