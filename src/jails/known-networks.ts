// What a filter names → the network that is counted and banned for it, remembered: the same few fail over and over.

import { type Network, parseNetwork, printNetwork } from "../core/ip.ts";

export interface KnownNetwork {
  readonly network: Network;
  /** Its canonical text. */
  readonly id: string;
}

/** Beyond it all are forgotten, and found again. */
const rememberedMax = 10_000;

export class KnownNetworks {
  readonly #known = new Map<string, KnownNetwork>();

  /** Undefined for what no firewall can ban. */
  find(text: string): KnownNetwork | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const network = parseNetwork(text);
    if (network === undefined) return undefined;
    const id = printNetwork(network);
    if (this.#known.size >= rememberedMax) this.#known.clear();
    const made = { network, id };
    // Only our own text: one that was cut out of a line keeps the line in memory.
    if (id === text) this.#known.set(id, made);
    return made;
  }
}
