// What an address belongs to: the system that announces it, that system's name, the country it is registered for, and what kind
// of network it is. Answers come from data in memory and never wait; each is kept, because the same addresses come again.

import { contains, type Ip, type Network, parseIp } from "../core/ip.ts";
import type { NetworkLists } from "./network-lists.ts";
import { isReserved } from "./reserved.ts";
import type { SystemSource } from "./system-source.ts";

export type NetworkKind = "access" | "hosting" | "mail-cloud" | "satellite" | "reserved";

/** What one address belongs to. */
export interface NetworkOfAddress {
  /** Undefined where nobody is known to announce the address. */
  readonly asn: number | undefined;
  readonly kind: NetworkKind;
  /** Two capital letters; empty where unknown. A registry's word, not a place on a map. */
  readonly country: string;
  /** Counts as one network: the system's number, or a number below nought for the /24 or /48 of an unknown one. */
  readonly network: number;
  /** The /24 or /48, as a number; equal numbers are taken for the same one. */
  readonly prefix: number;
  /** The address, or the /64 of an IPv6 address, as a number. */
  readonly line: number;
}

/** Finds the country an address is registered for. */
export interface CountrySource {
  find(ip: string): string | undefined;
}

/** Addresses kept; about 150 bytes each. */
const keptMax = 60_000;

/** What an operator knows better of a network. */
export interface NetworkOverride {
  readonly network: Network;
  readonly country?: string | undefined;
  readonly kind?: Exclude<NetworkKind, "reserved"> | undefined;
}

export interface NetworkData {
  readonly systems: SystemSource;
  readonly countries: CountrySource;
  readonly lists: NetworkLists;
  /** The first that contains an address holds. */
  readonly overrides: readonly NetworkOverride[];
}

export class NetworkBook {
  #data: NetworkData;
  /** The younger half and the older half of what is kept: when the younger is full it becomes the older. */
  #young = new Map<string, NetworkOfAddress | undefined>();
  #old = new Map<string, NetworkOfAddress | undefined>();

  constructor(data: NetworkData) {
    this.#data = data;
  }

  /** Other data from the next look-up on. */
  use(data: NetworkData): void {
    this.#data = data;
    this.#young = new Map();
    this.#old = new Map();
  }

  /** What `ip` belongs to; undefined when the text is no address. */
  find(ip: string): NetworkOfAddress | undefined {
    const kept = this.#young.get(ip) ?? this.#old.get(ip);
    if (kept !== undefined) return kept;
    const parsed = parseIp(ip);
    if (parsed === undefined) return undefined;
    const found = this.#look(ip, parsed);
    if (this.#young.size >= keptMax / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(ip, found);
    return found;
  }

  /** A system's name; `AS64500` when it has none. */
  nameOf(asn: number): string {
    return this.#data.systems.nameOf(asn) ?? `AS${asn}`;
  }

  #look(text: string, ip: Ip): NetworkOfAddress {
    const [a, b] = ip.words;
    const prefix = ip.family === 4 ? a >>> 8 : hash(a, b >>> 16, 0);
    const line = ip.family === 4 ? a : hash(a, b, 0x100000000);
    if (isReserved(ip)) return { asn: undefined, kind: "reserved", country: "", network: -1, prefix, line };
    const { systems, countries, lists, overrides } = this.#data;
    const own = overrides.find((one) => contains(one.network, ip));
    const asn = systems.find(ip, text);
    const country = own?.country ?? countries.find(text) ?? "";
    const network = asn ?? -2 - prefix;
    return { asn, kind: own?.kind ?? kindOf(asn, lists), country, network, prefix, line };
  }
}

function kindOf(asn: number | undefined, lists: NetworkLists): NetworkKind {
  if (asn === undefined) return "access";
  if (lists.mailCloud.has(asn)) return "mail-cloud";
  if (lists.satellite.has(asn)) return "satellite";
  return lists.hosting.has(asn) ? "hosting" : "access";
}

/** Two words mixed into one number beyond the IPv4 words. */
function hash(a: number, b: number, base: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b ^ 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return base + 0x1000000 + ((h ^ (h >>> 13)) >>> 0);
}
