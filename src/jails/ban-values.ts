// What the commands of an action may know of a ban: from its row, those before it, and the lines that led to it.

import type { ActionValues } from "../core/action.ts";
import type { Clock } from "../core/clock.ts";
import type { Block } from "../core/firewall.ts";
import { printNetwork } from "../core/ip.ts";
import { type PastBan, readBanHistory } from "../store/ban-list.ts";
import type { Store } from "../store/db.ts";
import { parseEvidence } from "./ticket.ts";

/** As Fail2ban's `dbmaxmatches`. */
const linesMax = 10;
const pastMax = 50;
const textMax = 60_000;

export function banValues(store: Store, clock: Clock): (block: Block, restored: boolean) => Promise<ActionValues> {
  return async ({ address, jail, until }, restored) => {
    const now = clock.now();
    const text = printNetwork(address);
    const around = await readBanHistory(store, { address, now, limit: pastMax });
    const all = around.filter((ban) => printNetwork(ban.address) === text);
    const own = all.filter((ban) => ban.jail === jail);
    const [last] = own;
    const from = last?.from ?? now;
    return {
      ...{ failures: String(failuresOf(last)), time: String(Math.floor(from / 1_000)), restored: restored ? "1" : "0" },
      bantime: until === undefined ? "-1" : String(Math.max(1, Math.round((until - from) / 1_000))),
      bancount: String(own.length),
      matches: linesOf(own.slice(0, 1)),
      ...{ ipjailmatches: linesOf(own), ipjailfailures: String(sum(own)) },
      ...{ ipmatches: linesOf(all), ipfailures: String(sum(all)) },
    };
  };
}

function sum(bans: readonly PastBan[]): number {
  return bans.reduce((total, ban) => total + failuresOf(ban), 0);
}

function failuresOf(ban: PastBan | undefined): number {
  return parseEvidence(ban?.evidence ?? "").curve.at(-1)?.count ?? 0;
}

/** The last ones, oldest first. */
function linesOf(bans: readonly PastBan[]): string {
  const lines = bans.toReversed().flatMap((ban) => parseEvidence(ban.evidence).lines);
  return lines.slice(-linesMax).join("\n").slice(0, textMax);
}
