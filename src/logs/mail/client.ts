// Clients: `host[address]:port` as Postfix prints it, the only place of a line from which an address may be taken.

import { parseIp, printIp } from "../../core/ip.ts";

/**
 * The pattern of a client, its address as a group: a host without blank or bracket (it may be empty, as postscreen has it; RFC 1035
 * names end at 255), an address in brackets (an IPv6 address with a zone fits in 63), perhaps a port (smtpd_client_port_logging).
 */
export const clientForm = String.raw`[^ [\]]{0,255}\[([^\]]{1,63})\](?::\d+)?`;

/** Canonical text of an address as a daemon logs it, an interface (`fe80::1%eth0`) or `IPv6:` left out. */
export function parseAddress(text: string): string | undefined {
  const zone = text.indexOf("%");
  const bare = zone < 0 ? text : text.slice(0, zone);
  // I or i: nothing else that is an address begins so.
  const ip = parseIp((bare.charCodeAt(0) | 32) === 105 && /^ipv6:/i.test(bare) ? bare.slice(5) : bare);
  return ip === undefined ? undefined : printIp(ip);
}
