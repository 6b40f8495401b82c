// Standing bans in memory, found by an address in them: for whatever must know at once whether somebody is banned.

import type { Ban } from "../core/ban.ts";
import { isStanding } from "../core/ban.ts";
import { contains, type Ip, networkOf, printNetwork } from "../core/ip.ts";

type Booked = Pick<Ban, "address" | "jail" | "until" | "ports" | "enforce">;

/** Bans by address; the lengths of networks that occur say which keys to ask for. */
export class BanBook<B extends Booked = Ban> {
  readonly #byAddress = new Map<string, B[]>();
  readonly #lengths = { 4: new Map<number, number>(), 6: new Map<number, number>() };

  /** Puts a ban in the place of the one with its address and jail. */
  set(ban: B): void {
    const key = printNetwork(ban.address);
    const known = this.#byAddress.get(key);
    if (known === undefined) {
      this.#byAddress.set(key, [ban]);
      this.#count(ban, 1);
      return;
    }
    const at = known.findIndex(({ jail }) => jail === ban.jail);
    if (at < 0) known.push(ban);
    else known[at] = ban;
  }

  remove(ban: Pick<Booked, "address" | "jail">): void {
    const key = printNetwork(ban.address);
    const left = this.#byAddress.get(key)?.filter(({ jail }) => jail !== ban.jail);
    if (left === undefined) return;
    if (left.length > 0) {
      this.#byAddress.set(key, left);
      return;
    }
    this.#byAddress.delete(key);
    this.#count(ban, -1);
  }

  clear(): void {
    this.#byAddress.clear();
    for (const lengths of Object.values(this.#lengths)) lengths.clear();
  }

  /** Bans of exactly this address, as printNetwork prints it. */
  at(address: string): readonly B[] {
    return this.#byAddress.get(address) ?? [];
  }

  addresses(): Iterable<string> {
    return this.#byAddress.keys();
  }

  /** Addresses and networks that are banned. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** A ban around `ip` that closes the TCP port (0: not known); one that is enforced rather than one that observes. */
  find(ip: Ip, port: number, now: number): B | undefined {
    let observed: B | undefined;
    for (const ban of this.around(ip)) {
      if (!isStanding(ban, now) || !closes(ban, port)) continue;
      if (ban.enforce) return ban;
      observed = ban;
    }
    return observed;
  }

  /** Every ban of the address and of networks around it, also one that has just ended. */
  *around(ip: Ip): Generator<B> {
    for (const length of this.#lengths[ip.family].keys()) {
      for (const ban of this.#byAddress.get(printNetwork(networkOf(ip, length))) ?? [])
        if (contains(ban.address, ip)) yield ban;
    }
  }

  #count({ address }: Pick<Booked, "address">, by: number): void {
    const lengths = this.#lengths[address.ip.family];
    const count = (lengths.get(address.length) ?? 0) + by;
    if (count === 0) lengths.delete(address.length);
    else lengths.set(address.length, count);
  }
}

/** A port that is not known is taken to be closed. */
function closes({ ports }: Booked, port: number): boolean {
  return ports === undefined || port === 0 || ports.some(({ from, to }) => from <= port && port <= to);
}
