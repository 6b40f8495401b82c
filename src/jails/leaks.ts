// Leaks: a banned address still gets lines into the log. Either the ban is not where it should be, or the connection was not cut.

import type { LeaksReport, StandingBan } from "./jail-words.ts";

/** Lines of what was under way when the ban came, and of the time the firewall takes. */
const graceMs = 30_000;
/** Bans that are watched; more is an attack that people look at anyway. */
const bansMax = 200_000;

/** Sees addresses of mail events; knows bans of whole addresses and, of IPv6, of /64s. */
export class Leaks {
  readonly #bans = new Map<string, StandingBan>();
  #lines = 0;
  #last: LeaksReport["last"];

  add(ban: StandingBan): void {
    if (ban.enforce && this.#bans.size < bansMax) this.#bans.set(ban.address, ban);
  }

  remove({ address, jail }: { readonly address: string; readonly jail: string }): void {
    if (this.#bans.get(address)?.jail === jail) this.#bans.delete(address);
  }

  /** True for the first leak since the ban began. `ids`: the address and what stands for it. */
  see(ids: readonly string[], at: number): boolean {
    for (const id of ids) {
      const ban = this.#bans.get(id);
      if (ban === undefined || at < ban.from + graceMs) continue;
      if (ban.until !== undefined && at >= ban.until) continue;
      this.#lines++;
      const first = this.#last?.address !== id || this.#last.at < ban.from;
      this.#last = { address: id, jail: ban.jail, at };
      return first;
    }
    return false;
  }

  report(): LeaksReport {
    return { lines: this.#lines, last: this.#last };
  }
}
