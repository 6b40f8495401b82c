// Canonical texts of addresses, remembered: a log names the same ones over and over, and whoever counts by such a text then looks it
// up without hashing it anew. Holds no part of the lines that the texts came from.

import { parseIp, printIp } from "./ip.ts";
import { Recent } from "./recent.ts";

const rememberedMax = 16_384;

export class CanonicalIps {
  readonly #known = new Recent<string, string>(rememberedMax);

  /** The canonical text of an address; undefined when it is none. */
  find(text: string): string | undefined {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const ip = parseIp(text);
    if (ip === undefined) return undefined;
    const canonical = printIp(ip);
    // A text that was cut out of a line keeps the whole line in memory: only our own is kept.
    if (canonical === text) this.#known.set(canonical, canonical);
    return canonical;
  }
}
