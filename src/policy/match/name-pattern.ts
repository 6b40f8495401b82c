// Mail addresses and host names in the member language.

import { domainToASCII } from "node:url";
import { parseIp } from "../../core/ip.ts";
import type { Pattern, Side } from "./expression.ts";
import { quote, type Refusal, refuse } from "./refusal.ts";

/** RFC 1035, 3.1: what fits into 255 octets. */
const domainMax = 253;

/** `@`, `user@domain`, `@domain`, `a*@domain`, `@*.domain`, `user@*`; the last `@` parts the two. */
export function parseAddressPattern(text: string, side: Side): Pattern | Refusal {
  if (text === "@") return { kind: "null-sender" };
  const at = text.lastIndexOf("@");
  const local = collapse(text.slice(0, at).toLowerCase());
  const domain = collapse(text.slice(at + 1).toLowerCase());
  const kind = side === "destination" ? "recipient" : "sender";
  const message = `${quote(text)} is not a ${kind} pattern`;
  if (domain === "") return refuse(message, `write ${quote(`${text}*`)} for any domain`);
  if (domain.startsWith(".")) return refuse(message, `write ${quote(`${local}@*${domain}`)} for the domains below`);
  if (domain.endsWith(".")) return refuse(message, "write it without the last dot");
  if (!isDomain(domain)) return refuse(message, "after the @ stands a domain, wildcards `*` or an address literal");
  if (!isLocal(local)) return refuse(message, 'an @ or a blank before the last @ must stand in quotes: "a b"@domain');
  return { kind: "address", local: local === "" ? "*" : local, domain: asciiDomain(domain) };
}

function isLocal(local: string): boolean {
  return !/[@\s]/.test(local) || /^".*"$/.test(local);
}

function isDomain(domain: string): boolean {
  if (domain.length > domainMax) return false;
  const literal = /^\[(?:ipv6:)?([^\]]*)\]$/.exec(domain)?.[1];
  return literal === undefined ? domain.split(".").every(isLabel) : parseIp(literal) !== undefined;
}

function isLabel(label: string): boolean {
  return /^[a-z0-9_*\u0080-\u{10ffff}-]+$/u.test(label);
}

/** `host.domain`, `.domain` and `*.domain` (every host below), other wildcards. `word` says which name is meant. */
export function parseHostPattern(text: string, word: "name" | "ptr"): Pattern | Refusal {
  const lower = text.toLowerCase();
  const glob = collapse(lower.startsWith(".") ? `*${lower}` : lower);
  if (isHost(glob)) return { kind: word, glob: asciiDomain(glob) };
  return refuse(`${quote(text)} is not a host name`, hostHint(lower));
}

function isHost(glob: string): boolean {
  const labels = glob.split(".");
  const last = labels.at(-1) ?? "";
  if (labels.length < 2 || glob.length > domainMax || /^[0-9]+$/.test(last) || /^[*.]+$/.test(glob)) return false;
  return labels.every((label) => isLabel(label) && !label.startsWith("-") && !label.endsWith("-"));
}

function hostHint(text: string): string {
  if (!/^[a-z0-9_-]{1,63}$/.test(text)) return "write host.domain, .domain or *.domain";
  return `a host has a dot (${text}.example), a login is $${text}, a group %${text}, a domain @${text}`;
}

/** Each label in A-label form (RFC 5891); a label with a wildcard, or one that has no such form, stays as it is. */
export function asciiDomain(domain: string): string {
  if (/^[\u0000-\u007f]*$/.test(domain) || domain.length > domainMax) return domain;
  return domain.split(".").map(asciiLabel).join(".");
}

function asciiLabel(label: string): string {
  if (label.includes("*")) return label;
  const ascii = domainToASCII(label);
  return /^xn--[a-z0-9-]+$/.test(ascii) || (/^[a-z0-9_-]+$/.test(ascii) && /[a-z]/.test(ascii)) ? ascii : label;
}

/** Several wildcards in a row say what one says; one spelling lets equal patterns be found to be equal. */
export function collapse(glob: string): string {
  return glob.replace(/\*{2,}/g, "*");
}
