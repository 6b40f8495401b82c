// Trust as the configuration has it: `[jails.trust] addresses` and loopback.

import { type Network, printNetwork } from "../core/ip.ts";
import { TrustList } from "../core/trust-list.ts";
import type { TrustSource } from "./jail-owner.ts";

export function configuredTrust(addresses: readonly Network[]): TrustSource {
  const list = new TrustList(addresses.map((network) => ({ network, why: "[jails.trust]" })));
  const texts = addresses.map((network) => ({ network: printNetwork(network), until: undefined }));
  return { check: (network, now) => list.find(network, now)?.why, texts: () => texts };
}
