// Verbs about bans: through the daemon, or on the store itself while no daemon runs.

import { readConfig } from "../config/config.ts";
import { steadyClock } from "../core/clock.ts";
import { silentLog } from "../core/log.ts";
import { Problem, Problems } from "../core/problem.ts";
import { trustAdmin } from "../jails/ban-orders.ts";
import type { Banning } from "../jails/banning.ts";
import type { Store } from "../store/db.ts";
import { callerName } from "./client.ts";
import type { GlobalOptions } from "./global-options.ts";

/** What the body of a change says of its author. */
export function callerFields(): { readonly by: string; readonly admin_address?: string } {
  // `CLIENT PORT SERVER PORT` (ssh(1)).
  const client = /^(\S+) /.exec(process.env["SSH_CONNECTION"] ?? "")?.[1];
  return { by: callerName(), ...(client === undefined ? {} : { admin_address: client }) };
}

/** A store without a daemon. */
export interface OfflineHouse {
  readonly store: Store;
  readonly banning: Banning;
  readonly now: number;
  readonly node: string;
  readonly enforces: boolean;
}

/** Asks the daemon; when nobody answers, does the same on the store. */
export async function throughDaemonOr<T>(
  options: GlobalOptions,
  online: () => Promise<T>,
  offline: (house: OfflineHouse) => Promise<T>,
): Promise<T> {
  try {
    return await online();
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return withStore(options, offline, error);
  }
}

function isUnreachable(error: unknown): boolean {
  const [first] = error instanceof Problems ? error.list : [error];
  return first instanceof Problem && first.code === "control/unreachable";
}

async function withStore<T>(
  options: GlobalOptions,
  work: (house: OfflineHouse) => Promise<T>,
  unreachable: unknown,
): Promise<T> {
  const { config, placeOf } = readConfig({ file: options.config, environment: process.env });
  const clock = steadyClock();
  const { openStore } = await import("../store/open.ts");
  // Without a store there is nothing to ban in: then the daemon that does not answer is the news.
  const opened = await openStore(config.store.url, {
    ...{ clock, node: config.node.name, mustExist: true, maxCellsInMemory: 0 },
    ...{ where: placeOf("store.url") },
  }).catch((error: unknown) => {
    throw error instanceof Problem && error.code === "store/unusable" ? unreachable : error;
  });
  await using store = opened;
  const { Banning } = await import("../jails/banning.ts");
  await using banning = new Banning({ config, store, clock, log: silentLog });
  await banning.startTrust();
  const enforces = config.jails.mode === "enforce";
  return await work({ store, banning, now: clock.now(), node: config.node.name, enforces });
}

/** Who changes a store without a daemon; where he is stays trusted. */
export async function offlineAuthor({ store, now }: OfflineHouse, dryRun: boolean) {
  const { by, admin_address } = callerFields();
  const author = { by: `${by} (claimed)`, via: "store", now };
  if (!dryRun) await trustAdmin(store, admin_address, author);
  return author;
}
