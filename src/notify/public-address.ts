// Which addresses a post may go to. Whoever writes a URL into a configuration, or answers for its name in the DNS, must not make us
// speak to services that trust the machine itself.

import { contains, parseIp, parseNetwork } from "../core/ip.ts";
import { isReserved } from "../networks/reserved.ts";

/** Beyond what is reserved: IPv6 that leads to IPv4 addresses of any kind, and what was site-local. */
const closed = ["::/96", "64:ff9b::/96", "2002::/16", "fec0::/10"].flatMap((text) => parseNetwork(text) ?? []);

/** False too for what is no address. */
export function isPublicText(text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && !isReserved(ip) && !closed.some((network) => contains(network, ip));
}
