// What led to the bans of an address: the lines, how the count grew, and what became of each.

import { parseNetwork, printNetwork } from "../core/ip.ts";
import { type PastBan, readBanHistory } from "../store/ban-list.ts";
import type { BanTrailAnswer } from "./contract-jails.ts";
import type { ApiParts } from "./parts.ts";
import { isoTime } from "./trail-view.ts";

/** Bans of one address that are shown, newest first. */
const bansShown = 20;

/** Bans that the address has or had, also of networks around it; none when the text is no address. */
export async function bansOf({ store, clock }: ApiParts, what: string): Promise<BanTrailAnswer[]> {
  const address = parseNetwork(what.trim());
  if (address === undefined) return [];
  const bans = await readBanHistory(store, { address, now: clock.now(), limit: bansShown });
  return bans.map(viewBan);
}

function viewBan(ban: PastBan): BanTrailAnswer {
  const { address, jail, from, until, reason, origin, enforce, node, count, ended, isStanding, evidence } = ban;
  return {
    ...{ address: printNetwork(address), jail, reason, origin, node, count, enforced: enforce, standing: isStanding },
    from: isoTime(from),
    until: until === undefined ? null : isoTime(until),
    ended: ended === undefined ? null : { at: isoTime(ended.at), by: ended.by },
    ...parseEvidence(evidence),
  };
}

/** `{"curve":[[at,count],…],"lines":["…",…]}` as jails write it; whatever else stands there shows nothing. */
function parseEvidence(text: string): Pick<BanTrailAnswer, "lines" | "curve"> {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null) return { lines: [], curve: [] };
  const { lines, curve } = value as { readonly lines?: unknown; readonly curve?: unknown };
  return {
    lines: Array.isArray(lines) ? lines.filter((line) => typeof line === "string") : [],
    curve: Array.isArray(curve) ? curve.flatMap(parsePoint) : [],
  };
}

function parsePoint(point: unknown): BanTrailAnswer["curve"] {
  if (!Array.isArray(point)) return [];
  const [at, count] = point as readonly unknown[];
  return typeof at === "number" && Number.isSafeInteger(at) && typeof count === "number"
    ? [{ at: isoTime(at), count: Math.round(count) }]
    : [];
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
