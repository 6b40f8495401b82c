// What `fail2ban-client` asks, answered as Fail2ban answers: its words in, its text and exit code out.

import { type Ban, isStanding } from "../../core/ban.ts";
import { contains, type Network, parseNetwork, printNetwork } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import { orderBans, orderUnban, parseAddresses, trustAdmin } from "../../jails/ban-orders.ts";
import { type ClientHouse, callClient, type WantedBans } from "../../jails/fail2ban-client/client.ts";
import type { BanFact, JailFacts } from "../../jails/fail2ban-client/jail-facts.ts";
import type { Author } from "../../store/audit.ts";
import { countBansByJail } from "../../store/ban-counts.ts";
import { findBans, listBans } from "../../store/ban-list.ts";
import { authorOf } from "../claimed-by.ts";
import { clientAnswer, clientRequest } from "../contract-jails.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";

const pageRows = 500;
/** Bans that one answer lists, newest first; the counts beside them are whole. */
const toldMax = 20_000;

export const fail2banClientRoutes = [
  route({
    method: "POST",
    path: "/fail2ban-client",
    help: "A call of `fail2ban-client`: status, banned, get, set … banip and unbanip, unban, ping, version.",
    input: clientRequest,
    answer: clientAnswer,
    run: async (parts, { words, by, admin_address }) => {
      const author = authorOf(by, parts.clock.now());
      const [verb] = words;
      if (verb === "set" || verb === "unban") await trustAdmin(parts.store, admin_address, author);
      return callClient(words, houseOf(parts, author));
    },
  }),
];

function houseOf(parts: ApiParts, author: Author): ClientHouse {
  return {
    jails: (wanted) => readFacts(parts, wanted),
    ban: (jail, addresses) => ban(parts, jail, addresses, author),
    unban: async (jail, addresses) => {
      const asked = addresses === undefined ? [] : parseAddresses(addresses);
      const order = { addresses: addresses ?? ("all" as const), jail, dryRun: false };
      const gone = await orderUnban(parts.store, order, author);
      const isAbsent = (one: Network) => !gone.some(({ address }) => overlap(address, one));
      return { removed: gone.length, absent: asked.filter(isAbsent).map(printNetwork) };
    },
    flushLogs: async () => parts.jails.log?.reopen(),
    server: async (option) => serverOption(parts, option),
    reload: async () => {
      const hint = "restart the daemon: systemctl restart postvarta";
      throw new Problem("jails are read when the daemon starts", { code: "control/refused", hint });
    },
  };
}

async function ban(parts: ApiParts, jail: string, addresses: readonly string[], author: Author): Promise<number> {
  const bantimeMs = parts.jails.report()?.jails.find(({ name }) => name === jail)?.setting.bantimeMs;
  const house = {
    ...{ store: parts.store, trust: parts.banning.trust.check },
    ...{ node: parts.node, enforce: parts.banning.enforces },
  };
  const time = bantimeMs === undefined ? "forever" : `${Math.max(1, Math.round(bantimeMs / 1000))}s`;
  const order = { addresses, jail, for: time, reason: "fail2ban-client", dryRun: false };
  return (await orderBans(house, order, author)).filter(({ outcome }) => outcome === "added").length;
}

async function readFacts(parts: ApiParts, wanted: WantedBans | undefined): Promise<readonly JailFacts[]> {
  const now = parts.clock.now();
  const counts = await countBansByJail(parts.store, now);
  const banned = Map.groupBy(wanted === undefined ? [] : await readBans(parts, wanted), ({ jail }) => jail);
  const jails = parts.jails.report()?.jails ?? [];
  return jails.map(({ name, failing, counts: { failures, tickets } }) => {
    const bannedNow = counts.get(name) ?? 0;
    return {
      ...parts.jails.client(name),
      ...{ failedNow: failing, failedTotal: failures, bannedNow, bannedTotal: Math.max(bannedNow, tickets) },
      banned: (banned.get(name) ?? []).map(factOf).sort((a, b) => a.from - b.from),
    };
  });
}

async function readBans({ store, clock }: ApiParts, { jail, addresses }: WantedBans): Promise<readonly Ban[]> {
  const now = clock.now();
  if (addresses !== undefined) {
    const networks = addresses.map(parseNetwork).filter((one) => one !== undefined);
    return (await findBans(store.facts, networks)).filter((ban) => isStanding(ban, now));
  }
  const bans: Ban[] = [];
  while (bans.length < toldMax) {
    const last = bans.at(-1);
    const behind = last && { behind: { from: last.from, address: printNetwork(last.address), jail: last.jail } };
    const page = await listBans(store, { now, limit: pageRows, ...behind, ...(jail === undefined ? {} : { jail }) });
    bans.push(...page);
    if (page.length < pageRows) break;
  }
  return bans;
}

function factOf({ address, from, until }: Ban): BanFact {
  const seconds = until === undefined ? -1 : Math.round((until - from) / 1000);
  return { address: printNetwork(address), from: from / 1000, seconds };
}

function serverOption({ store, jails }: ApiParts, option: string): string {
  const values: Readonly<Record<string, string>> = {
    ...{ loglevel: "INFO", logtarget: jails.log?.path ?? "STDOUT", syslogsocket: "auto", dbmaxmatches: "10" },
    ...{ dbfile: store.location, dbpurgeage: String(366 * 86_400) },
  };
  return values[option] ?? "";
}

function overlap(a: Network, b: Network): boolean {
  return contains(a, b.ip) || contains(b, a.ip);
}
