// A whois server's answer (RFC 3912: text, each registry in its own form) as registrations. Every line is `label: value`; what
// differs are the labels, and where one object ends.

import type { Ip } from "../../core/ip.ts";
import { type AddressRange, parseRange } from "./address-range.ts";
import { compareIps, holds, originsIn, type Registration, tame, tameCountry } from "./registration.ts";

/** A longer answer is cut: no registry needs it for one address. */
export const answerBytesMax = 64 * 1024;

const linesMax = 2_000;

const labels = {
  range: [
    "inetnum",
    "inet6num",
    "netrange",
    "cidr",
    "network:ip-network",
    "[network number]",
    "ipv4 address",
    "ipv6 address",
  ],
  name: ["netname", "network:network-name", "[network name]", "service name"],
  /** LACNIC's, where no netname is. */
  owner: ["ownerid"],
  organisation: [
    "org-name",
    "orgname",
    "organization",
    "owner",
    "descr",
    "network:org-name",
    "[organization]",
    "organization name",
  ],
  country: ["country"],
  origin: ["origin", "originas", "aut-num"],
} as const;

type Field = keyof typeof labels;

/** Blocks in an answer, as they stand. Nothing is thrown, whatever it holds. */
function blocksIn(text: string): ReadonlyMap<Field | "route", string[]>[] {
  const blocks: Map<Field | "route", string[]>[] = [];
  let block = new Map<Field | "route", string[]>();
  for (const line of text.slice(0, answerBytesMax).split("\n", linesMax)) {
    const { label, value } = labelled(line.trim());
    if (isBorder(line, label, block)) {
      if (block.size > 0) blocks.push(block);
      block = new Map();
    }
    const field = label === "route" || label === "route6" ? "route" : fieldOf(label);
    if (field === undefined || value === "") continue;
    const values = block.get(field) ?? [];
    values.push(value);
    block.set(field, values);
  }
  if (block.size > 0) blocks.push(block);
  return blocks;
}

/** `Label: value`, or JPNIC's `a. [Label]   value`. */
function labelled(line: string): { readonly label: string; readonly value: string } {
  const bracketed = /^(?:[a-z]\. )?(\[[^\]]{1,40}\])\s*(.*)$/i.exec(line);
  if (bracketed !== null) return { label: (bracketed[1] ?? "").toLowerCase(), value: bracketed[2] ?? "" };
  const colon = line.startsWith("network:") ? line.indexOf(":", 8) : line.indexOf(":");
  if (colon < 0) return { label: "", value: "" };
  return { label: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim() };
}

function fieldOf(label: string): Field | undefined {
  return (Object.keys(labels) as Field[]).find((field) => (labels[field] as readonly string[]).includes(label));
}

/** An object ends at an empty line before the next one's range, at `# start`, and at KRNIC's dashes. */
function isBorder(line: string, label: string, block: ReadonlyMap<string, unknown>): boolean {
  if (/^# (start|end|ENGLISH)\b/.test(line) || /^-{5,}/.test(line)) return true;
  const opens = label === "route" || label === "route6" || (fieldOf(label) === "range" && label !== "cidr");
  return opens && block.size > 0;
}

/** The narrowest block that holds `ip`; undefined when the answer has none. */
export function parseWhoisAnswer(text: string, ip: Ip, registry: string): Registration | undefined {
  const blocks = blocksIn(text);
  const found = blocks.flatMap((block) => {
    const range = rangeOf(block.get("range") ?? [], ip);
    return range === undefined ? [] : [{ block, range }];
  });
  const [narrowest] = found.toSorted((a, b) => narrower(a.range, b.range));
  if (narrowest === undefined) return undefined;
  const { block, range } = narrowest;
  const first = (field: Field) =>
    block
      .get(field)
      ?.map(tame)
      .find((value) => value !== "") ?? "";
  const routes = blocks.filter((one) => rangeOf(one.get("route") ?? [], ip) !== undefined);
  return {
    ...range,
    name: first("name") === "" ? first("owner") : first("name"),
    organisation: first("organisation"),
    country: tameCountry(first("country")),
    origins: originsIn([...(block.get("origin") ?? []), ...routes.flatMap((route) => route.get("origin") ?? [])]),
    registry,
  };
}

function rangeOf(texts: readonly string[], ip: Ip): AddressRange | undefined {
  return texts.map(parseRange).find((range) => range !== undefined && holds(range, ip));
}

/** Ranges around one address: the one that begins later is inside the other, or ends earlier. */
function narrower(a: AddressRange, b: AddressRange): number {
  return compareIps(b.first, a.first) || compareIps(a.last, b.last);
}

/** The server that an answer names: IANA's `refer`, ARIN's `ReferralServer`, APNIC's remark; undefined when it names none. */
export function referralIn(text: string): string | undefined {
  const match = /^(?:refer|whois|ReferralServer):[ \t]+(?:whois:\/\/)?([a-z0-9.-]{3,100})\/?[ \t]*\r?$/im.exec(
    text.slice(0, answerBytesMax),
  );
  return match?.[1]?.toLowerCase();
}

/** True for an answer that says we asked too often. */
export function isDenied(text: string): boolean {
  return /access denied|query rate|quota exceeded|limit exceeded|too many (queries|requests)|%ERROR:201/i.test(
    text.slice(0, 4_096),
  );
}
