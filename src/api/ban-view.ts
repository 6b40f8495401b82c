// Bans and trust as the API shows them.

import type { Ban } from "../core/ban.ts";
import { printNetwork } from "../core/ip.ts";
import { printPorts } from "../core/port-list.ts";
import type { PastBan } from "../store/ban-list.ts";
import type { BanAnswer, PastBanAnswer } from "./contract-bans.ts";
import { isoTime } from "./trail-view.ts";

export function banView(ban: Ban, verified: boolean): BanAnswer {
  return {
    address: printNetwork(ban.address),
    jail: ban.jail,
    from: isoTime(ban.from),
    until: ban.until === undefined ? null : isoTime(ban.until),
    reason: ban.reason,
    origin: ban.origin,
    verified,
    enforce: ban.enforce,
    ports: ban.ports === undefined ? null : printPorts(ban.ports),
    count: ban.count,
    node: ban.node,
  };
}

export function pastBanView(past: PastBan): PastBanAnswer {
  return {
    address: printNetwork(past.address),
    jail: past.jail,
    from: isoTime(past.from),
    until: past.until === undefined ? null : isoTime(past.until),
    reason: past.reason,
    origin: past.origin,
    standing: past.isStanding,
    ended_at: past.ended === undefined ? null : isoTime(past.ended.at),
    ended_by: past.ended?.by ?? null,
    count: past.count,
    evidence: parseEvidence(past.evidence),
  };
}

function parseEvidence(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
