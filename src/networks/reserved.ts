// Addresses that belong to nobody on the Internet: private, shared, loopback, documentation, multicast. RFC 6890 and its registry.

import { type Ip, parseNetwork } from "../core/ip.ts";
import { NetworkTree } from "../core/network-tree.ts";

const reserved = [
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16",
  "198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4",
  "::/128 ::1/128 64:ff9b:1::/48 100::/64 2001:db8::/32 3fff::/20 fc00::/7 fe80::/10 ff00::/8",
]
  .join(" ")
  .split(" ");

const tree = reservedTree();

/** True for an address that no provider announces. */
export function isReserved(ip: Ip): boolean {
  const found: true[] = [];
  tree.collect(ip, found);
  return found.length > 0;
}

function reservedTree(): NetworkTree<true> {
  const networks = new NetworkTree<true>();
  for (const text of reserved) {
    const network = parseNetwork(text);
    if (network !== undefined) networks.add(network, true);
  }
  return networks;
}
