// The rows of bans as they are meant here: all of them or some, enforced or only observed, read once and then followed by their changes.

import type { Ban } from "../core/ban.ts";
import { printNetwork } from "../core/ip.ts";
import { lastBanChange, readAllBans, readBanChanges } from "../store/ban-list.ts";
import type { Store } from "../store/db.ts";
import { BanBook } from "./ban-book.ts";

export interface BanRowsOptions {
  readonly store: Store;
  /** Bans that are made to hold here; all of them without it. */
  readonly concerns?: (ban: Ban) => boolean;
  /** Jails only observe here: what is enforced are bans that came with a contained account. */
  readonly askedOnly?: boolean;
}

export class BanRows {
  /** What only observes here is no enforced ban in it, whatever its row says. */
  readonly book = new BanBook();
  readonly #options: BanRowsOptions;
  /** Addresses of bans that were enforced before jails only observed. */
  readonly #outlived = new Set<string>();
  #seq = 0;

  constructor(options: BanRowsOptions) {
    this.#options = options;
  }

  async read(): Promise<void> {
    const { store } = this.#options;
    this.#seq = await lastBanChange(store);
    this.book.clear();
    for await (const ban of readAllBans(store)) {
      this.#take(ban);
      if (ban.enforce && !this.isEnforced(ban)) this.#outlived.add(printNetwork(ban.address));
    }
  }

  /** Printed addresses whose bans have changed; undefined when too much has: then they are read again. */
  async readChanges(): Promise<ReadonlySet<string> | undefined> {
    const { seq, changes } = await readBanChanges(this.#options.store, this.#seq);
    if (changes === undefined) return undefined;
    this.#seq = seq;
    const touched = new Set<string>();
    for (const { address, jail, ban } of changes) {
      touched.add(printNetwork(address));
      if (ban === undefined) this.book.remove({ address, jail });
      else this.#take(ban);
    }
    return touched;
  }

  isEnforced({ enforce, origin }: Ban): boolean {
    return enforce && (this.#options.askedOnly !== true || origin === "account");
  }

  /** True where what a firewall holds is ours to take away. While jails only observe, somebody else may fill the same table. */
  isOurs(address: string): boolean {
    if (this.#options.askedOnly !== true || this.#outlived.has(address)) return true;
    return this.book.at(address).some(({ enforce }) => enforce);
  }

  get hasOutlived(): boolean {
    return this.#outlived.size > 0;
  }

  forgetOutlived(): void {
    this.#outlived.clear();
  }

  #take(ban: Ban): void {
    if (this.#options.concerns?.(ban) === false) return;
    const enforce = this.isEnforced(ban);
    this.book.set(enforce === ban.enforce ? ban : { ...ban, enforce });
  }
}
