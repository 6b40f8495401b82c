// What a filter names → the network that is counted and banned for it, remembered: the same few fail over and over.

import { type Network, parseNetwork, printNetwork } from "../core/ip.ts";
import { Recent } from "../core/recent.ts";

export interface KnownNetwork {
  readonly network: Network;
  /** Its canonical text. */
  readonly id: string;
}

const rememberedMax = 16_384;

export class KnownNetworks {
  readonly #known = new Recent<string, KnownNetwork>(rememberedMax);

  /** Undefined for what no firewall can ban. */
  find(text: string): KnownNetwork | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const network = parseNetwork(text);
    if (network === undefined) return undefined;
    const id = printNetwork(network);
    const made = { network, id };
    // Only our own text: one that was cut out of a line keeps the line in memory.
    if (id === text) this.#known.set(id, made);
    return made;
  }
}
