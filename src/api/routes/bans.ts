// Bans: who is kept away, and the ways to change it. Every change is a row; the answer leaves when the firewall has taken it.

import { printNetwork } from "../../core/ip.ts";
import { manualForDefault, orderBans, orderUnban, parseAddresses, trustAdmin } from "../../jails/ban-orders.ts";
import { findBans, listBans } from "../../store/ban-list.ts";
import type { BanOutcome } from "../../store/bans.ts";
import { findDecisions } from "../../store/decisions.ts";
import { bansOf } from "../ban-trail.ts";
import { banView } from "../ban-view.ts";
import { authorOf } from "../claimed-by.ts";
import {
  type BanChangeAnswer,
  type BanPage,
  banChangeAnswer,
  banListQuery,
  banPage,
  banRequest,
  type IpAnswer,
  ipAnswer,
  ipQuery,
  stopAnswer,
  stopRequest,
  unbanRequest,
} from "../contract-bans.ts";
import { parseCursor, printCursor } from "../page.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

/** Decisions about one address that are shown. */
const decisionsMax = 20;

export const banRoutes = [
  route({
    method: "GET",
    path: "/bans",
    help: "Standing bans, newest first, at most 500 a page.",
    input: banListQuery,
    answer: banPage,
    run: listPage,
  }),
  route({
    method: "POST",
    path: "/bans/add",
    help: "Bans addresses; what is trusted is refused. Answered when the firewall has taken it.",
    input: banRequest,
    answer: banChangeAnswer,
    run: async (parts, { admin_address, by, dry_run: dryRun, ...order }) => {
      const author = authorOf(by, parts.clock.now());
      if (!dryRun) await trustAdmin(parts.store, admin_address, author);
      const { trust } = parts.banning;
      const house = { store: parts.store, trust: trust.check, node: parts.node, enforce: parts.banning.enforces };
      const outcomes = await orderBans(house, { ...order, for: order.for ?? manualForDefault, dryRun }, author);
      return changeAnswer(parts, outcomes, dryRun);
    },
  }),
  route({
    method: "POST",
    path: "/bans/remove",
    help: "Ends bans of addresses and of networks around or inside them, forgets their failures, and may trust them for a while.",
    input: unbanRequest,
    answer: banChangeAnswer,
    run: async (parts, { addresses, all, admin_address, by, dry_run: dryRun, jail, trust }) => {
      const author = authorOf(by, parts.clock.now());
      if (!dryRun) await trustAdmin(parts.store, admin_address, author);
      const order = { addresses: all ? ("all" as const) : addresses, jail, trust, dryRun };
      const removed = await orderUnban(parts.store, order, author);
      return { dry_run: dryRun, bans: removed.map((ban) => banView(ban, false)), refused: [] };
    },
  }),
  route({
    method: "GET",
    path: "/ip",
    help: "What is known of an address: bans, trust, past bans with their lines, refused mail.",
    input: ipQuery,
    answer: ipAnswer,
    run: readIp,
  }),
  route({
    method: "POST",
    path: "/stop",
    help: "Stops the daemon; with `flush` every rule of ours leaves the firewall first.",
    input: stopRequest,
    answer: stopAnswer,
    run: async (parts, { flush }) => {
      const error = flush ? await parts.banning.flush() : undefined;
      // A firewall that was not emptied still has its keeper.
      if (error === undefined) parts.stop();
      return { flushed: flush && error === undefined, error: error ?? null };
    },
  }),
];

async function listPage(
  parts: ApiParts,
  query: { cursor?: string | undefined; limit: number; jail?: string | undefined },
): Promise<BanPage> {
  const behind = parseBehind(parseCursor(query.cursor));
  const bans = await listBans(parts.store, {
    now: parts.clock.now(),
    limit: query.limit,
    ...(query.jail === undefined ? {} : { jail: query.jail }),
    ...(behind === undefined ? {} : { behind }),
  });
  const last = bans.at(-1);
  const more = last !== undefined && bans.length === query.limit;
  return {
    bans: bans.map((ban) => banView(ban, parts.banning.isVerified(ban))),
    next: more ? printCursor(`${last.from} ${printNetwork(last.address)} ${last.jail}`) : null,
  };
}

function parseBehind(text: string | undefined) {
  const [, from, address, jail] = /^(\d+) (\S+) (.*)$/s.exec(text ?? "") ?? [];
  return from === undefined || address === undefined || jail === undefined
    ? undefined
    : { from: Number(from), address, jail };
}

function changeAnswer(parts: ApiParts, outcomes: readonly BanOutcome[], dryRun: boolean): BanChangeAnswer {
  const bans = outcomes.flatMap((one) => {
    return one.outcome === "trusted" ? [] : [banView(one.ban, parts.banning.isVerified(one.ban))];
  });
  const refused = outcomes.flatMap((one) => {
    return one.outcome === "trusted" ? [{ address: printNetwork(one.wanted.address), why: one.why }] : [];
  });
  return { dry_run: dryRun, bans, refused };
}

async function readIp(parts: ApiParts, { address: text }: { address: string }): Promise<IpAnswer> {
  const [address] = parseAddresses([text]);
  if (address === undefined) throw new Error("one address is one network");
  const now = parts.clock.now();
  const bans = await findBans(parts.store.facts, [address]);
  const decisions = await findDecisions(parts.store, { client: printNetwork(address), limit: decisionsMax });
  return {
    address: printNetwork(address),
    bans: bans.map((ban) => banView(ban, parts.banning.isVerified(ban))),
    trusted: parts.banning.trust.check(address, now) ?? null,
    history: await bansOf(parts, text),
    decisions: decisions.map(({ id, lastAt, verdict, rule, account, text: said }) => ({
      ...{ id, at: isoTime(lastAt), verdict, rule, account, text: said },
    })),
  };
}
