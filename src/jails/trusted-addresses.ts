// What is trusted, for the jails in the logs thread: they do not count such addresses. Whether something may be banned is decided
// where the row is written.

import { type Ip, isLoopback, parseNetwork } from "../core/ip.ts";
import { NetworkTree } from "../core/network-tree.ts";
import type { TrustedText } from "./jail-words.ts";

export class TrustedAddresses {
  /** Until when, by network. */
  #networks = new NetworkTree<number>();
  readonly #around: number[] = [];

  constructor(texts: readonly TrustedText[]) {
    this.use(texts);
  }

  use(texts: readonly TrustedText[]): void {
    this.#networks = new NetworkTree();
    for (const { network: text, until = Number.POSITIVE_INFINITY } of texts) {
      const network = parseNetwork(text);
      if (network !== undefined) this.#networks.add(network, until);
    }
  }

  has(address: Ip, now: number): boolean {
    if (isLoopback(address)) return true;
    const around = this.#around;
    around.length = 0;
    this.#networks.collect(address, around);
    return around.length > 0 && around.some((until) => until > now);
  }
}
