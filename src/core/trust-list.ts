// What may never be banned, whichever road a ban takes. A prefix that merely contains something trusted is refused too:
// a ban of 192.0.2.0/24 would lock out the trusted 192.0.2.7.

import { contains, type Network, parseNetwork, widthOf } from "./ip.ts";
import { NetworkTree } from "./network-tree.ts";

/** One trusted network and why, for the answer to whoever wanted to ban it. */
export interface TrustEntry {
  readonly network: Network;
  /** e.g. `loopback`, `mynetworks`, `[jails.trust]`. */
  readonly why: string;
  /** ms since the epoch; without it the entry does not end. */
  readonly until?: number;
}

/** Trusted whatever the configuration says: a banned loopback cuts Postfix off from its own services. */
const loopback: readonly TrustEntry[] = ["127.0.0.0/8", "::1"].flatMap((text) => {
  const network = parseNetwork(text);
  return network === undefined ? [] : [{ network, why: "loopback" }];
});

/** Loopback and `entries`; a change makes another list. */
export class TrustList {
  readonly #entries: readonly TrustEntry[];
  readonly #tree = new NetworkTree<TrustEntry>();

  constructor(entries: readonly TrustEntry[]) {
    this.#entries = [...loopback, ...entries];
    for (const entry of this.#entries) this.#tree.add(entry.network, entry);
  }

  /** With loopback. */
  get entries(): readonly TrustEntry[] {
    return this.#entries;
  }

  /** The entry that forbids a ban of `network` at `now` (ms since the epoch): it lies around it, or inside it. */
  find(network: Network, now: number): TrustEntry | undefined {
    const around: TrustEntry[] = [];
    this.#tree.collect(network.ip, around);
    const found = around.find((entry) => isLive(entry, now));
    // Nothing lies inside a single address.
    if (found !== undefined || network.length === widthOf(network.ip)) return found;
    return this.#entries.find((entry) => isLive(entry, now) && contains(network, entry.network.ip));
  }
}

function isLive({ until }: TrustEntry, now: number): boolean {
  return until === undefined || until > now;
}
