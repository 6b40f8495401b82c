// What is trusted, for the jails in the logs thread: they do not count such addresses. Whether something may be banned is decided
// where the row is written.

import { contains, isLoopback, type Network, parseIp, parseNetwork } from "../core/ip.ts";
import { Recent } from "../core/recent.ts";
import type { TrustedText } from "./jail-words.ts";

interface Trusted {
  readonly network: Network;
  readonly until: number | undefined;
}

/** Addresses whose answer is remembered until something changes. */
const rememberedMax = 16_384;

export class TrustedAddresses {
  #entries: readonly Trusted[] = [];
  readonly #known = new Recent<string, boolean>(rememberedMax);

  constructor(texts: readonly TrustedText[]) {
    this.use(texts);
  }

  use(texts: readonly TrustedText[]): void {
    this.#known.clear();
    this.#entries = texts.flatMap(({ network: text, until }) => {
      const network = parseNetwork(text);
      return network === undefined ? [] : [{ network, until }];
    });
  }

  has(address: string, now: number): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const ip = parseIp(address);
    const inside = ip === undefined ? undefined : this.#entries.find(({ network }) => contains(network, ip));
    // An entry that ends is asked each time, or its end would be missed.
    if (inside?.until !== undefined) return inside.until > now;
    const trusted = inside !== undefined || (ip !== undefined && isLoopback(ip));
    this.#known.set(address, trusted);
    return trusted;
  }
}
