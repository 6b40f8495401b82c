// A request as the patterns look at it: which parts are missing, and the texts in the form that patterns have.

import type { Request } from "../request.ts";
import { asciiDomain } from "./name-pattern.ts";

/** Parts of a request that may be missing, as bits. What needs a missing part is neither true nor false. */
export const parts = {
  client: 1,
  sender: 2,
  recipient: 4,
  port: 8,
  /** Never there: for a member that was stored by another version and cannot be read. */
  unreadable: 16,
  /** Names, context, TLS and peer: always known of a question, missing only where an account is asked about without one. */
  connection: 32,
} as const;

/** States before MAIL FROM: an empty sender there is not `<>`. */
const statesWithoutSender: ReadonlySet<string> = new Set(["CONNECT", "HELO", "EHLO", "VRFY", "ETRN"]);

/**
 * The missing parts of a request, as bits. The empty sender, no login, no confirmed name, no context and a peer on a Unix
 * socket are known values; an empty recipient is not, because then there are several.
 */
export function missingParts(request: Request): number {
  let missing: number = parts.unreadable;
  if (request.client === undefined) missing |= parts.client;
  if (request.sender === "" && statesWithoutSender.has(request.state)) missing |= parts.sender;
  if (request.recipient === "") missing |= parts.recipient;
  if (request.serverPort === 0) missing |= parts.port;
  return missing;
}

/** Local part and domain; `postmaster` has an empty domain (RFC 5321, 4.1.1.3). */
export function splitAddress(address: string): readonly [local: string, domain: string] {
  const at = address.lastIndexOf("@");
  return at < 0 ? [address, ""] : [address.slice(0, at), address.slice(at + 1)];
}

/** The other spelling of a domain that is not ASCII, undefined where there is none. */
export function otherSpelling(domain: string): string | undefined {
  const ascii = asciiDomain(domain);
  return ascii === domain ? undefined : ascii;
}
