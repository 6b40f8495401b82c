// Bans of another program, put into the store as if each had been wished here: what is trusted is refused.

import { networkInterfaces } from "node:os";
import type { Config } from "../config/config.ts";
import type { TrustCheck, WantedBan } from "../core/ban.ts";
import { steadyClock } from "../core/clock.ts";
import { type Network, parseNetwork, printNetwork } from "../core/ip.ts";
import { TrustList } from "../core/trust-list.ts";
import { Tools } from "../jails/firewalls/tools.ts";
import { readMynetworks } from "../jails/mynetworks.ts";
import { banNow } from "../store/bans.ts";
import type { Store } from "../store/db.ts";
import { openStore } from "../store/open.ts";
import { readTrusts } from "../store/trusts.ts";

export interface ImportedBans {
  readonly trusted: readonly { readonly address: string; readonly why: string }[];
}

/** Opens the configured store, which no daemon may use meanwhile, and adds the bans. */
export async function writeImportedBans(
  config: Config,
  bans: readonly WantedBan[],
  { now, by }: { readonly now: number; readonly by: string },
): Promise<ImportedBans> {
  await using store = await openStore(config.store.url, { clock: steadyClock() });
  const trust = await gatherTrust(store, config, now);
  const outcomes = await banNow(store, bans, trust, { by, via: "import", now });
  return {
    trusted: outcomes.flatMap((one) =>
      one.outcome === "trusted" ? [{ address: printNetwork(one.wanted.address), why: one.why }] : [],
    ),
  };
}

/** Whom no import may ban: as the configuration says, this machine's own addresses, and whom an administrator trusts. */
async function gatherTrust(store: Store, config: Config, now: number): Promise<TrustCheck> {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const entries = [
    ...config.jails.trust.addresses.map((network) => ({ network, why: "[jails.trust]" })),
    ...(await mynetworks(config)).map((network) => ({ network, why: "mynetworks" })),
    ...toEntries(
      own.map(({ address }) => address.replace(/%.*/, "")),
      "an address of this machine",
    ),
    ...toEntries(
      (await readTrusts(store, now)).map(({ value }) => value),
      "trusted by an administrator",
    ),
  ];
  const list = new TrustList(entries);
  return (network, at) => list.find(network, at)?.why;
}

/** Where Postfix is not installed nobody relays; the daemon reads them again when it starts. */
async function mynetworks(config: Config): Promise<readonly Network[]> {
  try {
    return await readMynetworks(new Tools(), config.postfix.config_directories);
  } catch {
    return [];
  }
}

function toEntries(texts: readonly string[], why: string): readonly { network: Network; why: string }[] {
  return texts.flatMap((text) => {
    const network = parseNetwork(text);
    return network === undefined ? [] : [{ network, why }];
  });
}
