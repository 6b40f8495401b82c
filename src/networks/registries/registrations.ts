// What registries say of addresses, asked for slowly and kept: one question a registry in two seconds and five hundred a day, cached
// by range, never on the road of a ban or an answer. Whoever asks gets what is known at once; the rest follows in its turn.

import type { Clock } from "../../core/clock.ts";
import { type Ip, parseIp, printIp } from "../../core/ip.ts";
import { isReserved } from "../reserved.ts";
import type { AskRegistry } from "./ask-registry.ts";
import { holds, type Registration } from "./registration.ts";
import { iana, type Registry, registries, registryOfHost, registryOfUrl } from "./registry.ts";

export interface RegistrationsParts {
  readonly clock: Clock;
  readonly ask: AskRegistry;
  /** Where a question begins: IANA for whois, a registry that redirects for RDAP. */
  readonly first?: Registry;
  readonly known?: readonly Registry[];
}

const queueMax = 1_000;
const keptMax = 20_000;
const foundMs = 30 * 86_400_000;
const nothingMs = 86_400_000;
const paceMs = 2_000;
const dayMs = 86_400_000;
const perDayMax = 500;
const hopsMax = 3;
const failedMsMin = 60_000;
const failedMsMax = 6 * 3_600_000;

interface Pace {
  /** Not before, ms since the epoch. */
  nextAt: number;
  day: number;
  asked: number;
  failures: number;
}

interface Kept {
  readonly range: Pick<Registration, "first" | "last">;
  readonly registration: Registration | undefined;
  readonly until: number;
}

interface Waiting {
  readonly address: string;
  readonly ip: Ip;
  /** Who is asked next. */
  registry: Registry;
  hops: number;
  /** The best answer so far: a registry that refers on may have told something. */
  best: Registration | undefined;
}

export class Registrations {
  readonly #parts: RegistrationsParts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #paces = new Map<string, Pace>();
  /** Newest last. */
  #kept: Kept[] = [];
  #dropped = 0;

  constructor(parts: RegistrationsParts) {
    this.#parts = parts;
  }

  /** Addresses that wait, and those that found no place in the queue. */
  get state(): { readonly waiting: number; readonly dropped: number; readonly kept: number } {
    return { waiting: this.#waiting.size, dropped: this.#dropped, kept: this.#kept.length };
  }

  /** What is known of an address, undefined as long as nothing is; then it is asked for. */
  find(text: string): Registration | undefined {
    const ip = parseIp(text);
    if (ip === undefined || isReserved(ip)) return undefined;
    const kept = this.#lookUp(ip);
    if (kept !== undefined) return kept.registration;
    const address = printIp(ip);
    if (this.#waiting.has(address)) return undefined;
    if (this.#waiting.size >= queueMax) this.#dropped++;
    else this.#waiting.set(address, { address, ip, registry: this.#parts.first ?? iana, hops: 0, best: undefined });
    return undefined;
  }

  /** Asks what may be asked now, one address a registry. Call it every second or so. */
  async work(): Promise<void> {
    const now = this.#parts.clock.now();
    const asked = new Set<string>();
    const turn: Waiting[] = [];
    for (const waiting of this.#waiting.values()) {
      // Another address of the same block was answered meanwhile.
      if (this.#lookUp(waiting.ip) !== undefined) this.#waiting.delete(waiting.address);
      else if (!asked.has(waiting.registry.name) && this.#mayAsk(waiting.registry, now)) {
        asked.add(waiting.registry.name);
        turn.push(waiting);
      }
    }
    await Promise.all(turn.map((waiting) => this.#askOne(waiting, now)));
  }

  async #askOne(waiting: Waiting, now: number): Promise<void> {
    const { registry, ip, address } = waiting;
    const pace = this.#paceOf(registry, now);
    pace.asked++;
    pace.nextAt = now + paceMs;
    try {
      const answer = await this.#parts.ask(registry, ip, address);
      if (answer.kind === "denied") {
        pace.nextAt = now + answer.waitMs;
        return;
      }
      pace.failures = 0;
      waiting.best = answer.registration ?? waiting.best;
      const next = answer.kind === "elsewhere" ? this.#registryAt(answer.place) : undefined;
      if (next === undefined || next === registry || ++waiting.hops > hopsMax) return this.#keep(waiting, now);
      waiting.registry = next;
    } catch {
      pace.failures++;
      pace.nextAt = now + Math.min(failedMsMin * 2 ** (pace.failures - 1), failedMsMax);
    }
  }

  #registryAt(place: string): Registry | undefined {
    const known = this.#parts.known ?? registries;
    return registryOfHost(place, known) ?? registryOfUrl(place, known);
  }

  #keep({ address, ip, best }: Waiting, now: number): void {
    this.#waiting.delete(address);
    const range = best ?? { first: ip, last: ip };
    this.#kept = this.#kept.filter(({ until }) => until > now).slice(1 - keptMax);
    this.#kept.push({ range, registration: best, until: now + (best === undefined ? nothingMs : foundMs) });
  }

  #lookUp(ip: Ip): Kept | undefined {
    const now = this.#parts.clock.now();
    return this.#kept.findLast(({ range, until }) => until > now && holds(range, ip));
  }

  #mayAsk(registry: Registry, now: number): boolean {
    const pace = this.#paceOf(registry, now);
    return now >= pace.nextAt && pace.asked < perDayMax;
  }

  #paceOf({ name }: Registry, now: number): Pace {
    const day = Math.floor(now / dayMs);
    const known = this.#paces.get(name);
    if (known === undefined) {
      const made = { nextAt: 0, day, asked: 0, failures: 0 };
      this.#paces.set(name, made);
      return made;
    }
    if (known.day !== day) Object.assign(known, { day, asked: 0 });
    return known;
  }
}
