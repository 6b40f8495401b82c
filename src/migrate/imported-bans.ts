// Bans of another program, put into the store as if each had been wished here: what is trusted is refused.

import type { Config } from "../config/config.ts";
import type { WantedBan } from "../core/ban.ts";
import { steadyClock } from "../core/clock.ts";
import { printNetwork } from "../core/ip.ts";
import { silentLog } from "../core/log.ts";
import { Banning } from "../jails/banning.ts";
import { banNow } from "../store/bans.ts";
import { openStore } from "../store/open.ts";

export interface ImportedBans {
  readonly trusted: readonly { readonly address: string; readonly why: string }[];
}

/** Opens the configured store, which no daemon may use meanwhile, and adds the bans. */
export async function writeImportedBans(
  config: Config,
  bans: readonly WantedBan[],
  { now, by }: { readonly now: number; readonly by: string },
): Promise<ImportedBans> {
  const clock = steadyClock();
  await using store = await openStore(config.store.url, { clock, node: config.node.name });
  await using banning = new Banning({ config, store, clock, log: silentLog });
  await banning.startTrust();
  const outcomes = await banNow(store, bans, banning.trust.check, { by, via: "import", now });
  return {
    trusted: outcomes.flatMap((one) =>
      one.outcome === "trusted" ? [{ address: printNetwork(one.wanted.address), why: one.why }] : [],
    ),
  };
}
