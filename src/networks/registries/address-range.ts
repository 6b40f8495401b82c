// Ranges as registries write them: `a - b`, a prefix, and LACNIC's short prefixes (`192.0.2/24`).

import { type Ip, type Network, parseIp, parseNetwork, widthOf } from "../../core/ip.ts";
import { compareIps } from "./registration.ts";

export interface AddressRange {
  readonly first: Ip;
  readonly last: Ip;
}

/** Undefined for what is no range, or runs backwards. */
export function parseRange(text: string): AddressRange | undefined {
  const plain = text.replace(/\s*\(.*$/, "").trim();
  const dash = plain.indexOf("-");
  if (dash < 0) return ofNetwork(parseNetwork(completed(plain)));
  const first = parseIp(plain.slice(0, dash).trim());
  const last = parseIp(plain.slice(dash + 1).trim());
  if (first === undefined || last === undefined || first.family !== last.family) return undefined;
  return compareIps(first, last) <= 0 ? { first, last } : undefined;
}

/** `192.0.2/24` → `192.0.2.0/24`. */
function completed(text: string): string {
  const match = /^(\d{1,3}(?:\.\d{1,3}){0,2})\/(\d{1,2})$/.exec(text);
  if (match === null) return text;
  const [, digits = "", length] = match;
  return `${digits}${".0".repeat(4 - digits.split(".").length)}/${length}`;
}

function ofNetwork(network: Network | undefined): AddressRange | undefined {
  return network === undefined ? undefined : { first: network.ip, last: lastIp(network) };
}

/** The last address of a network. */
export function lastIp({ ip, length }: Network): Ip {
  const words = ip.words.map((word, index) => {
    if (index * 32 >= widthOf(ip)) return word;
    const kept = Math.min(32, Math.max(0, length - index * 32));
    return kept === 32 ? word : (word | (0xffffffff >>> kept)) >>> 0;
  });
  const [a = 0, b = 0, c = 0, d = 0] = words;
  return { ...ip, words: [a, b, c, d] };
}
