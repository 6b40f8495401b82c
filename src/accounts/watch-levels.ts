// Which accounts are under watch, in memory: for answers that cannot wait for the store.

import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/db.ts";
import { readWatches, type Watch } from "../store/watches.ts";

export interface WatchLevelsParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly canonical: (login: string) => string;
}

export class WatchLevels {
  readonly #parts: WatchLevelsParts;
  #watches: ReadonlyMap<string, Pick<Watch, "level" | "until">> = new Map();

  constructor(parts: WatchLevelsParts) {
    this.#parts = parts;
  }

  /** Reads the watches again: at the start, and whenever rules changed, which watches are among. */
  async read(): Promise<void> {
    const { store, clock } = this.#parts;
    const watches = await readWatches(store.facts, clock.now());
    this.#watches = new Map(watches.map(({ account, level, until }) => [account, { level, until }]));
  }

  /** The level that began the watch; undefined when the account is under none. */
  levelOf(login: string): string | undefined {
    const { canonical, clock } = this.#parts;
    const watch = this.#watches.get(canonical(login));
    return watch === undefined || (watch.until !== 0 && watch.until <= clock.now()) ? undefined : watch.level;
  }
}
