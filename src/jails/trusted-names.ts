// Trusted host names and their addresses, resolved in the background by the time that the DNS allows. Nothing waits for a name server
// but the verb that adds the name.

import { Resolver } from "node:dns/promises";
import { type Network, parseNetwork } from "../core/ip.ts";
import type { Log } from "../core/log.ts";

/** More names than this are not resolved: each costs two questions again and again. */
const namesMax = 200;

/** Shorter times to live are the name's way to be asked all the time. */
const ttlMsMin = 60_000;
const ttlMsMax = 3_600_000;

/** A name that does not resolve keeps its last addresses: an outage of the DNS makes nobody a stranger at once. */
const keepMs = 86_400_000;

const resolveMs = 2_000;

interface Known {
  addresses: readonly Network[];
  askAt: number;
  answeredAt: number;
}

export class TrustedNames {
  readonly #log: Log;
  readonly #resolver = new Resolver({ timeout: resolveMs, tries: 1 });
  readonly #known = new Map<string, Known>();

  constructor(log: Log) {
    this.#log = log;
  }

  addressesOf(name: string): readonly Network[] {
    return this.#known.get(name)?.addresses ?? [];
  }

  /** These names and no others. */
  async use(names: readonly string[], now: number): Promise<void> {
    const wanted = new Set(names.slice(0, namesMax));
    for (const name of this.#known.keys()) if (!wanted.has(name)) this.#known.delete(name);
    for (const name of wanted) {
      if (!this.#known.has(name)) this.#known.set(name, { addresses: [], askAt: now, answeredAt: now });
    }
    await this.due(now);
  }

  /** Asks for names whose time is over; true when an address changed. */
  async due(now: number): Promise<boolean> {
    const late = [...this.#known].filter(([, { askAt }]) => askAt <= now);
    const changed = await Promise.all(late.map(([name, known]) => this.#ask(name, known, now)));
    return changed.includes(true);
  }

  async #ask(name: string, known: Known, now: number): Promise<boolean> {
    known.askAt = now + ttlMsMin;
    const answers = await Promise.allSettled([
      this.#resolver.resolve4(name, { ttl: true }),
      this.#resolver.resolve6(name, { ttl: true }),
    ]);
    const records = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    const before = JSON.stringify(known.addresses);
    if (records.length > 0) {
      const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1_000;
      known.askAt = now + Math.min(Math.max(ttlMs, ttlMsMin), ttlMsMax);
      known.answeredAt = now;
      known.addresses = records.flatMap(({ address }) => parseNetwork(address) ?? []);
    } else {
      this.#log.warn("trust.name", { name, error: "it does not resolve" });
      if (now - known.answeredAt > keepMs) known.addresses = [];
    }
    return JSON.stringify(known.addresses) !== before;
  }
}
