// Track: whose counter a quota charges, in cluebringer's words (reference of cluebringer: quotas.Track).

import type { Track } from "../core/rules.ts";

/** `SenderIP:/24` says nothing of IPv6; a customer there has a /64 (RFC 6177). */
const v6LengthDefault = 64;

export const trackAllowed =
  "Sender:user@domain, Sender:@domain, Sender:user@, the same three of Recipient, SASLUsername, SenderIP:/24, SenderIP:/24,/64 or Policy";

/** The track of a text, words in any case, `text` in the usual spelling. Undefined for everything else. */
export function parseTrack(text: string): Track | undefined {
  const colon = text.indexOf(":");
  const word = (colon < 0 ? text : text.slice(0, colon)).toLowerCase();
  const spec = colon < 0 ? undefined : text.slice(colon + 1).toLowerCase();
  switch (word) {
    case "policy":
      return spec === undefined ? { kind: "policy", text: "Policy" } : undefined;
    case "saslusername":
      return spec === undefined ? { kind: "sasl-username", text: "SASLUsername" } : undefined;
    case "sender":
      return parseAddressTrack("sender", "Sender", spec);
    case "recipient":
      return parseAddressTrack("recipient", "Recipient", spec);
    case "senderip":
      return parseIpTrack(spec ?? "");
    default:
      return undefined;
  }
}

function parseAddressTrack(kind: "sender" | "recipient", word: string, spec: string | undefined): Track | undefined {
  if (spec !== "user@domain" && spec !== "@domain" && spec !== "user@") return undefined;
  return { kind, part: spec, text: `${word}:${spec}` };
}

function parseIpTrack(spec: string): Track | undefined {
  const match = /^\/(\d{1,2})(?:,\/(\d{1,3}))?$/.exec(spec);
  if (match === null) return undefined;
  const v4 = Number(match[1]);
  const v6 = match[2] === undefined ? v6LengthDefault : Number(match[2]);
  if (v4 > 32 || v6 > 128) return undefined;
  return { kind: "sender-ip", v4, v6, text: match[2] === undefined ? `SenderIP:/${v4}` : `SenderIP:/${v4},/${v6}` };
}
