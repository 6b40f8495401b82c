// The daemon's store, opened before the daemon's own modules are read: its thread reads the cells meanwhile.

import type { ReadConfig } from "./config/config.ts";
import { type Clock, steadyClock } from "./core/clock.ts";
import type { Log } from "./core/log.ts";
import type { Store } from "./store/db.ts";
import { openStore } from "./store/open.ts";

export interface OpeningStore {
  readonly clock: Clock;
  /** Rejects with the Problem of a store that cannot be used. */
  readonly store: Promise<Store>;
}

export function openDaemonStore(read: ReadConfig, log: Log, clock = steadyClock()): OpeningStore {
  const where = read.placeOf("store.url");
  const store = openStore(read.config.store.url, { clock, log, node: read.config.node.name, where, steady: true });
  // Whoever waits for it is told; that may be later.
  store.catch(() => {});
  return { clock, store };
}
