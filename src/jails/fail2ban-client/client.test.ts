import { deepStrictEqual } from "node:assert/strict";
import { test } from "node:test";
import { type ClientHouse, callClient, type WantedBans } from "./client.ts";
import type { BanFact, JailFacts } from "./jail-facts.ts";

/** Two jails that hold bans as a server of Fail2ban does. */
function makeHouse(): ClientHouse {
  const bans = new Map<string, BanFact[]>([
    ["one", []],
    ["two", []],
  ]);
  const factsOf = (name: string, wanted: WantedBans | undefined): JailFacts => ({
    settings: {
      name,
      backend: "polling",
      journalmatch: [],
      prefregex: "",
      failregex: ["bad from <HOST>$"],
      ignoreregex: [],
      datepattern: [],
      ignoreip: [],
      actions: [],
      plain: { bantime: "600" },
    },
    files: ["/var/log/a.log"],
    failedNow: 0,
    failedTotal: 0,
    bannedTotal: bans.get(name)?.length ?? 0,
    bannedNow: bans.get(name)?.length ?? 0,
    banned: isWanted(wanted, name) ? (bans.get(name) ?? []) : [],
  });
  return {
    jails: async (wanted) => [...bans.keys()].map((name) => factsOf(name, wanted)),
    ban: async (jail, addresses) => {
      const list = bans.get(jail) ?? [];
      const fresh = addresses.filter((address) => !list.some((ban) => ban.address === address));
      bans.set(jail, [...list, ...fresh.map((address) => ({ address, from: 0, seconds: 600 }))]);
      return fresh.length;
    },
    unban: async (jail, addresses) => {
      let removed = 0;
      const met = new Set<string>();
      for (const [name, list] of bans) {
        if (jail !== undefined && jail !== name) continue;
        const gone = list.filter((ban) => addresses === undefined || addresses.includes(ban.address));
        for (const ban of gone) met.add(ban.address);
        removed += gone.length;
        bans.set(
          name,
          list.filter((ban) => !gone.includes(ban)),
        );
      }
      return { removed, absent: (addresses ?? []).filter((address) => !met.has(address)) };
    },
    server: async (option) => ({ loglevel: "INFO", dbpurgeage: "86400" })[option] ?? "",
    flushLogs: async () => {},
    reload: async () => {},
  };
}

/** Whatever is not asked for is not there. */
function isWanted(wanted: WantedBans | undefined, jail: string): boolean {
  return wanted !== undefined && (wanted.jail === undefined || wanted.jail === jail);
}

function statusOf(banned: number): string {
  const filter = "|- Filter\n|  |- Currently failed:\t0\n|  |- Total failed:\t0\n|  `- File list:\t/var/log/a.log";
  return `Status for the jail: one\n${filter}\n\`- Actions\n   |- Currently banned:\t${banned}\n   \`- Total banned:\t${banned}`;
}

/** One session with a server of Fail2ban 1.0.2, in this order: words, exit code, what it printed. */
const session: readonly (readonly [string, number, string])[] = [
  ["ping", 0, "Server replied: pong"],
  ["status", 0, "Status\n|- Number of jail:\t2\n`- Jail list:\tone, two"],
  ["status nope", 255, "Sorry but the jail 'nope' does not exist"],
  ["set one banip 192.0.2.9 2001:db8::1", 0, "2"],
  ["set one banip 192.0.2.9", 0, "0"],
  ["set nope banip 192.0.2.9", 255, "Sorry but the jail 'nope' does not exist"],
  ["banned", 0, "[{'one': ['192.0.2.9', '2001:db8::1']}, {'two': []}]"],
  ["banned 192.0.2.9 192.0.2.77", 0, "[['one'], []]"],
  ["get one banned", 0, "['192.0.2.9', '2001:db8::1']"],
  ["get one banned 192.0.2.9", 0, "1"],
  ["get one banned 192.0.2.9 192.0.2.77", 0, "[1, 0]"],
  ["get one banip ,", 0, "192.0.2.9,2001:db8::1"],
  ["status one short", 0, statusOf(2)],
  ["status one", 0, `${statusOf(2).replace("`- Total", "|- Total")}\n   \`- Banned IP list:\t192.0.2.9 2001:db8::1`],
  ["set one unbanip 192.0.2.9", 0, "1"],
  ["set one unbanip 192.0.2.9", 0, "0"],
  ["set one unbanip --report-absent 192.0.2.9", 255, "not banned: ['192.0.2.9']"],
  ["unban 192.0.2.44", 0, "0"],
  ["unban 2001:db8::1", 0, "1"],
  ["set one banip 192.0.2.10", 0, "1"],
  ["set two banip 192.0.2.10", 0, "1"],
  ["unban --all", 0, "2"],
  ["get one bantime", 0, "600"],
  ["get one nonsense", 255, "Invalid command (no get action or not yet implemented)"],
  ["get nope bantime", 255, "Sorry but the jail 'nope' does not exist"],
  ["get loglevel", 0, "Current logging level is 'INFO'"],
  ["get dbpurgeage", 0, "Current database purge age is:\n`- 86400seconds"],
  ["nonsense", 255, "Invalid command"],
  ["echo a b", 0, "a b"],
  ["flushlogs", 0, "logs: rolled over"],
  ["reload one", 0, "OK"],
];

test("a session is answered as a server of Fail2ban answers it", async () => {
  const house = makeHouse();
  const answered: (readonly [string, number, string])[] = [];
  for (const [line] of session) {
    const { text, exit } = await callClient(line.split(" "), house);
    answered.push([line, exit, text]);
  }
  deepStrictEqual(answered, session);
});
