// Clients: `host[address]:port` as Postfix prints it, the only place of a line from which an address may be taken.

import { parseIp, printIp } from "../../core/ip.ts";

export interface Client {
  readonly ip: string;
  /** Behind the bracket and the port. */
  readonly next: number;
}

/** RFC 1035 names end at 255; an IPv6 address with a zone fits in 64. */
const hostLengthMax = 255;
const addressLengthMax = 64;

/**
 * The client that stands at `from`: a host without blank or bracket (it may be empty, as postscreen has it), an address
 * in brackets, perhaps a port (smtpd_client_port_logging). Undefined when it is none, or `unknown[unknown]`.
 */
export function parseClient(text: string, from: number): Client | undefined {
  const open = text.indexOf("[", from);
  if (open < 0 || open - from > hostLengthMax) return undefined;
  for (let i = from; i < open; i++) {
    const c = text.charCodeAt(i);
    if (c === 32 || c === 93) return undefined;
  }
  const close = text.indexOf("]", open);
  if (close < 0 || close - open > addressLengthMax) return undefined;
  const ip = parseAddress(text.slice(open + 1, close));
  return ip === undefined ? undefined : { ip, next: afterPort(text, close + 1) };
}

function afterPort(text: string, at: number): number {
  let i = at + 1;
  if (text.charCodeAt(at) !== 58) return at;
  while (isDigitAt(text, i)) i++;
  return i > at + 1 ? i : at;
}

/** Canonical text of an address as a daemon logs it, an interface (`fe80::1%eth0`) or `IPv6:` left out. */
export function parseAddress(text: string): string | undefined {
  const zone = text.indexOf("%");
  const bare = zone < 0 ? text : text.slice(0, zone);
  // I or i: nothing else that is an address begins so.
  const ip = parseIp((bare.charCodeAt(0) | 32) === 105 && /^ipv6:/i.test(bare) ? bare.slice(5) : bare);
  return ip === undefined ? undefined : printIp(ip);
}

/**
 * The length of the queue id, or `NOQUEUE`, that a message begins with and that `: ` follows; 0 when there is none.
 * Short ids are hexadecimal, long ones (enable_long_queue_ids) letters and digits without vowels.
 */
export function queueIdLength(text: string): number {
  let i = 0;
  while (i < 32 && isIdChar(text.charCodeAt(i))) i++;
  return i > 0 && text.charCodeAt(i) === 58 && text.charCodeAt(i + 1) === 32 ? i : 0;
}

function isIdChar(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
}

export function isDigitAt(text: string, i: number): boolean {
  const c = text.charCodeAt(i);
  return c >= 48 && c <= 57;
}
