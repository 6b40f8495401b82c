// What led to the bans of an address: the lines, how the count grew, and what became of each.

import { parseNetwork, printNetwork } from "../core/ip.ts";
import { parseEvidence } from "../jails/ticket.ts";
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
  const { address, jail, from, until, reason, origin, enforce, node, count, ended, isStanding } = ban;
  const { lines, curve } = parseEvidence(ban.evidence);
  return {
    ...{ address: printNetwork(address), jail, reason, origin, node, count, enforced: enforce, standing: isStanding },
    from: isoTime(from),
    until: until === undefined ? null : isoTime(until),
    ended: ended === undefined ? null : { at: isoTime(ended.at), by: ended.by },
    lines: [...lines],
    curve: curve.map(({ at, count: failures }) => ({ at: isoTime(at), count: failures })),
  };
}
