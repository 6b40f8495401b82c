// Canonical texts of addresses, remembered: a log names the same ones over and over, and whoever counts by such a text then looks it
// up without hashing it anew. Holds no part of the lines that the texts came from.

import { parseIp, printIp } from "./ip.ts";

/** Beyond it all are forgotten, and found again. */
const rememberedMax = 10_000;

export class CanonicalIps {
  readonly #known = new Map<string, string>();

  /** The canonical text of an address; undefined when it is none. */
  find(text: string): string | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const ip = parseIp(text);
    if (ip === undefined) return undefined;
    const canonical = printIp(ip);
    // A text that was cut out of a line keeps the whole line in memory: only our own is kept.
    if (canonical === text) this.#remember(canonical);
    return canonical;
  }

  #remember(canonical: string): void {
    if (this.#known.size >= rememberedMax) this.#known.clear();
    this.#known.set(canonical, canonical);
  }
}
