// Addresses and networks in the member language, with cluebringer's short forms.

import { type Network, parseNetwork } from "../../core/ip.ts";
import type { Pattern } from "./expression.ts";
import { quote, type Refusal, refuse } from "./refusal.ts";

/** True for what can only be meant as an address: digits, dots and a length, or anything with a colon. */
export function looksLikeNetwork(text: string): boolean {
  return text.includes(":") || /^[0-9.*/]*[0-9][0-9.*/]*$/.test(text);
}

/** `192.0.2.10`, `192.0.2.0/24`, `192.0.2` (/24), `192.0` (/16), `10` (/8), IPv6 in any case; host bits are cleared. */
export function parseNetworkPattern(text: string, kind: "client" | "peer"): Pattern | Refusal {
  const network = parseNetwork(text) ?? parseShort(text);
  if (network !== undefined) return { kind, network };
  const shown = quote(kind === "peer" ? `[${text}]` : text);
  return refuse(`${shown} is not an address or network`, hintFor(text));
}

/** One to three parts of an IPv4 address; the length is what stands written, or eight bits a part. */
function parseShort(text: string): Network | undefined {
  const [, parts, length] = /^([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})(\/[0-9]{1,2})?$/.exec(text) ?? [];
  if (parts === undefined) return undefined;
  const count = parts.split(".").length;
  return parseNetwork(`${parts}${".0".repeat(4 - count)}${length ?? `/${count * 8}`}`);
}

function hintFor(text: string): string {
  if (text.includes("*")) return `write the first parts only: ${quote(text.replace(/[.*]*\*.*$/, "") || "192.0.2")}`;
  const word = /^([a-z]+):/i.exec(text)?.[1];
  if (word !== undefined && !/^[0-9a-f]{1,4}$/i.test(word))
    return "the words are name:, ptr:, port:, context: and tls:";
  if (text.includes("%")) return "write it without the zone";
  if (text.includes(":")) return "write an IPv6 address such as 2001:db8::1, or a network up to /128";
  return "write four parts from 0 to 255 without leading noughts, and a length up to /32";
}
