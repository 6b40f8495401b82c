// Whose counter a question charges: cluebringer's Track words (reference: policyd v2, quotas.track).

import { networkOf, printIp } from "../core/ip.ts";
import type { QuotaRule } from "../core/rules.ts";
import type { Request } from "./request.ts";

/**
 * The track key of a question, e.g. `Sender:@example.com`, or undefined when the question has no such part:
 * then the quota does not apply. `login` is the canonical account.
 */
export function trackKey(
  quota: QuotaRule,
  request: Pick<Request, "sender" | "client">,
  recipient: string,
  login: string,
): string | undefined {
  const track = quota.track;
  switch (track.kind) {
    case "sender":
      if (request.sender === "") return quota.nullSender ? "Sender:<>" : undefined;
      return `Sender:${addressPart(request.sender, track.part)}`;
    case "recipient":
      return recipient === "" ? undefined : `Recipient:${addressPart(recipient, track.part)}`;
    case "sasl-username":
      return login === "" ? undefined : `SASLUsername:${login}`;
    case "sender-ip": {
      if (request.client === undefined) return undefined;
      const length = request.client.family === 4 ? track.v4 : track.v6;
      return `SenderIP:${printIp(networkOf(request.client, length).ip)}/${length}`;
    }
    case "policy":
      return "Policy";
    default:
      return track satisfies never;
  }
}

/** The last `@` divides: a quoted local part may hold others (RFC 5321, 4.1.2). An address without one is all local part. */
function addressPart(address: string, part: "user@domain" | "@domain" | "user@"): string {
  if (part === "user@domain") return address;
  const at = address.lastIndexOf("@");
  const local = at < 0 ? address : address.slice(0, at);
  return part === "@domain" ? `@${at < 0 ? "" : address.slice(at + 1)}` : `${local}@`;
}
