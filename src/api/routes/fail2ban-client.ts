// What `fail2ban-client` asks, answered as Fail2ban answers: its words in, its text and exit code out.

import { isStanding } from "../../core/ban.ts";
import { contains, type Network, printNetwork } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import { orderBans, orderUnban, parseAddresses, trustAdmin } from "../../jails/ban-orders.ts";
import { type ClientHouse, callClient } from "../../jails/fail2ban-client/client.ts";
import type { BanFact, JailFacts } from "../../jails/fail2ban-client/jail-facts.ts";
import type { Author } from "../../store/audit.ts";
import { readAllBans } from "../../store/ban-list.ts";
import { authorOf } from "../claimed-by.ts";
import { clientAnswer, clientRequest } from "../contract-jails.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";

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
    jails: () => readFacts(parts),
    ban: (jail, addresses) => ban(parts, jail, addresses, author),
    unban: async (jail, addresses) => {
      const asked = addresses === undefined ? [] : parseAddresses(addresses);
      const order = { addresses: addresses ?? ("all" as const), jail, dryRun: false };
      const gone = await orderUnban(parts.store, order, author);
      const isAbsent = (one: Network) => !gone.some(({ address }) => overlap(address, one));
      return { removed: gone.length, absent: asked.filter(isAbsent).map(printNetwork) };
    },
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

async function readFacts(parts: ApiParts): Promise<readonly JailFacts[]> {
  const banned = new Map<string, BanFact[]>();
  for await (const one of readAllBans(parts.store)) {
    if (!isStanding(one, parts.clock.now())) continue;
    const seconds = one.until === undefined ? -1 : Math.round((one.until - one.from) / 1000);
    const fact = { address: printNetwork(one.address), from: one.from / 1000, seconds };
    const known = banned.get(one.jail);
    if (known === undefined) banned.set(one.jail, [fact]);
    else known.push(fact);
  }
  const jails = parts.jails.report()?.jails ?? [];
  return jails.map(({ name, failing, counts }) => {
    const standing = (banned.get(name) ?? []).sort((a, b) => a.from - b.from);
    return {
      ...parts.jails.client(name),
      ...{ failedNow: failing, failedTotal: counts.failures, banned: standing },
      bannedTotal: Math.max(standing.length, counts.tickets),
    };
  });
}

function serverOption({ store }: ApiParts, option: string): string {
  const values: Readonly<Record<string, string>> = {
    ...{ loglevel: "INFO", logtarget: "STDOUT", syslogsocket: "auto", dbmaxmatches: "10" },
    ...{ dbfile: store.location, dbpurgeage: String(366 * 86_400) },
  };
  return values[option] ?? "";
}

function overlap(a: Network, b: Network): boolean {
  return contains(a, b.ip) || contains(b, a.ip);
}
