// Which addresses a post may go to. Whoever writes a URL into a configuration, or answers for its name in the DNS, must not make us
// speak to services that trust the machine itself.

import { contains, type Ip, parseIp, parseNetwork } from "../core/ip.ts";

/** Not of the public internet: RFC 6890 and its updates, with the cloud's metadata address in link-local. */
const closed = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "224.0.0.0/3",
  "::/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2002::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
].flatMap((text) => parseNetwork(text) ?? []);

function isPublic(ip: Ip): boolean {
  return !closed.some((network) => contains(network, ip));
}

/** False too for what is no address. */
export function isPublicText(text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && isPublic(ip);
}
