// Rules by which others find stolen accounts, beside ours, over the same labelled logs: `node bench/takeover-rules.ts DIR…`, each DIR with
// a mail.log and a truth.json that names the accounts taken over (`attack: { type, from, firstMail, to }`) and the options of the log. The rules are our own
// readings of what their authors publish; each alarms an account for the day on which it trips. Prints recall, false alarms for
// 1 000 account-days, and the median minutes from the first stolen message to the alarm.

import { readFileSync } from "node:fs";
import path from "node:path";
import { levels } from "../src/accounts/account-history.ts";
import { Judge } from "../src/accounts/judge.ts";
import { defaultJudgeSettings } from "../src/accounts/judge-settings.ts";
import { Accounts } from "../src/core/account.ts";
import type { MailEvent } from "../src/core/event.ts";
import { readMailEvents } from "../src/logs/events.ts";
import { Zone } from "../src/logs/zone.ts";
import { networkCacheDirectory } from "../src/networks/embedded.ts";
import type { NetworkBook, NetworkOfAddress } from "../src/networks/network-book.ts";
import { openNetworks } from "../src/networks/networks.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;

interface Truth {
  readonly options: { readonly start: string; readonly tz: string; readonly users: number; readonly days: number };
  readonly accounts: Readonly<
    Record<string, { readonly attack?: { readonly from: string; readonly firstMail: string; readonly to: string } }>
  >;
}

interface Visit {
  readonly at: number;
  readonly ip: string;
  readonly from: NetworkOfAddress;
}

/** True when an account that did this is to be alarmed; visits are in order and the last one just happened. */
interface Rule {
  readonly name: string;
  /** How far back it looks; Infinity for all time. */
  readonly windowMs: number;
  trips(visits: readonly Visit[]): boolean;
}

const distinct = <T>(visits: readonly Visit[], key: (visit: Visit) => T): number => new Set(visits.map(key)).size;
const countries = (visits: readonly Visit[]) =>
  distinct(
    visits.filter(({ from }) => from.country !== ""),
    ({ from }) => from.country,
  );
/** A registry's netname is imitated by the system and the /16. */
const netname = ({ from, ip }: Visit) => `${from.network} ${ip.split(".").slice(0, 2).join(".")}`;

const rules: readonly Rule[] = [
  {
    name: "more than 10 netnames, no window",
    windowMs: Number.POSITIVE_INFINITY,
    trips: (visits) => distinct(visits, netname) > 10,
  },
  { name: "more than 10 netnames, 2 days", windowMs: 2 * dayMs, trips: (visits) => distinct(visits, netname) > 10 },
  {
    name: "more than 10 systems, no window",
    windowMs: Number.POSITIVE_INFINITY,
    trips: (visits) => distinct(visits, ({ from }) => from.network) > 10,
  },
  {
    name: "geoip-policyd: 10 addresses or 3 countries, 1 h",
    windowMs: hourMs,
    trips: (visits) => distinct(visits, ({ ip }) => ip) > 10 || countries(visits) > 3,
  },
  {
    name: "postfwd anti-geoip: 5 countries or 20 addresses, 1 d",
    windowMs: dayMs,
    trips: (visits) => countries(visits) > 5 || distinct(visits, ({ ip }) => ip) > 20,
  },
  { name: "pcc: 3 countries, 2 d", windowMs: 2 * dayMs, trips: (visits) => countries(visits) >= 3 },
  { name: "nauthilus: 12 addresses 1 d or 30 in 7 d", windowMs: 7 * dayMs, trips: nauthilus },
  { name: "travel: two countries within 3 h, by countries only", windowMs: 3 * hourMs, trips: travel },
];

function nauthilus(visits: readonly Visit[]): boolean {
  const now = visits.at(-1)?.at ?? 0;
  return (
    distinct(visits, ({ ip }) => ip) > 30 ||
    distinct(
      visits.filter(({ at }) => now - at <= dayMs),
      ({ ip }) => ip,
    ) > 12
  );
}

function travel(visits: readonly Visit[]): boolean {
  const last = visits.at(-1);
  const before = visits.at(-2);
  return (
    last !== undefined &&
    before !== undefined &&
    last.from.country !== "" &&
    before.from.country !== "" &&
    last.from.country !== before.from.country
  );
}

/** Scores at which ours is looked at; each is an alarm while the level that it stands for holds. */
const steps = [30, 40, 50, 60, 75] as const;

interface Alarm {
  readonly from: number;
  to: number;
}

type Alarms = Map<string, Alarm[]>;

interface Tally {
  found: number;
  taken: number;
  falseAlarms: number;
  accountDays: number;
  readonly minutes: number[];
}

const { book } = await openNetworks({}, networkCacheDirectory(process.env));
const tallies = new Map<string, Tally>();
for (const folder of process.argv.slice(2)) await judgeFolder(folder);
console.log("rule".padEnd(54), "recall".padStart(7), "false/1000 d".padStart(13), "median min".padStart(11));
for (const [name, tally] of tallies) {
  const { found, taken, falseAlarms, accountDays, minutes } = tally;
  const median = minutes.sort((a, b) => a - b)[minutes.length >> 1];
  const cells = [
    (found / Math.max(1, taken)).toFixed(3).padStart(7),
    ((falseAlarms / accountDays) * 1000).toFixed(2).padStart(13),
    (median?.toFixed(0) ?? "-").padStart(11),
  ];
  console.log(name.padEnd(54), ...cells);
}

async function judgeFolder(folder: string): Promise<void> {
  const truth: Truth = JSON.parse(readFileSync(path.join(folder, "truth.json"), "utf8"));
  const visits = new Map<string, Visit[]>();
  const ours = new Map<number, Alarms>(steps.map((step) => [step, new Map()]));
  const judge = newJudge(book, ours);
  const see = (event: MailEvent) => {
    judge.see(event);
    const from = event.kind === "login" && event.ip !== null ? book.find(event.ip) : undefined;
    if (event.user === null || from === undefined || event.ip === null) return;
    const name = event.user.toLowerCase();
    const list = visits.get(name) ?? [];
    visits.set(name, list);
    list.push({ at: event.at, ip: event.ip, from });
  };
  const options = {
    year: Number(truth.options.start.slice(0, 4)),
    zone: Zone.parse(truth.options.tz),
    kinds: ["login", "auth_failure", "queued", "bounced"] as const,
    warn: () => {},
    now: Date.now,
  };
  await readMailEvents([path.join(folder, "mail.log")], options, { see, pause: async () => true });
  for (const rule of rules) count(rule.name, truth, alarmsOf(rule, visits));
  for (const [step, alarms] of ours) count(`ours, score ${step} or more`, truth, alarms);
}

function newJudge(networks: NetworkBook, ours: ReadonlyMap<number, Alarms>): { see(event: MailEvent): void } {
  const judges = steps.map((step) => {
    const alarms = ours.get(step);
    return new Judge({
      settings: { ...defaultJudgeSettings, levels: { notice: 30, watch: Math.max(30, step), high: 101 } },
      accounts: new Accounts({ defaultDomain: "", aliases: [] }),
      networks,
      onChange: ({ account, at, level }) => {
        const list = alarms?.get(account) ?? [];
        alarms?.set(account, list);
        const open = list.at(-1);
        const raised = levels.indexOf(level) >= levels.indexOf(step === 30 ? "notice" : "watch");
        if (open !== undefined && open.to === Number.POSITIVE_INFINITY) {
          if (!raised) open.to = at;
        } else if (raised) list.push({ from: at, to: Number.POSITIVE_INFINITY });
      },
    });
  });
  return {
    see: (event) => {
      for (const judge of judges) judge.see(event);
    },
  };
}

/** An alarm ends a day after the rule last tripped; without a window it never does. */
function alarmsOf(rule: Rule, visits: ReadonlyMap<string, readonly Visit[]>): Alarms {
  const alarms: Alarms = new Map();
  for (const [account, all] of visits) {
    const list: Alarm[] = [];
    let first = 0;
    for (let i = 0; i < all.length; i++) {
      const at = all[i]?.at ?? 0;
      while (at - (all[first]?.at ?? at) > rule.windowMs) first++;
      const open = list.at(-1);
      if (open !== undefined && open.to >= at && rule.windowMs === Number.POSITIVE_INFINITY) continue;
      if (!rule.trips(all.slice(first, i + 1))) continue;
      const to = rule.windowMs === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : at + dayMs;
      if (open !== undefined && open.to >= at) open.to = to;
      else list.push({ from: at, to });
    }
    alarms.set(account, list);
  }
  return alarms;
}

/** Found: alarmed between the intruder's first login and a day after his last. False: begun outside that, a fortnight later included. */
function count(name: string, truth: Truth, alarms: Alarms): void {
  const tally = tallies.get(name) ?? { found: 0, taken: 0, falseAlarms: 0, accountDays: 0, minutes: [] };
  tallies.set(name, tally);
  tally.accountDays += truth.options.users * truth.options.days;
  for (const [account, { attack }] of Object.entries(truth.accounts)) {
    const list = alarms.get(account) ?? [];
    const from = attack === undefined ? Number.POSITIVE_INFINITY : Date.parse(attack.from) - 1_000;
    const to = attack === undefined ? Number.POSITIVE_INFINITY : Date.parse(attack.to);
    tally.falseAlarms += list.filter((alarm) => alarm.from < from || alarm.from > to + 14 * dayMs).length;
    if (attack === undefined) continue;
    tally.taken++;
    const early = list.some((alarm) => alarm.from < from - 2 * dayMs && alarm.to >= from);
    const hit = list.find((alarm) => alarm.to >= from && alarm.from <= to + dayMs);
    if (hit === undefined || early) continue;
    tally.found++;
    tally.minutes.push(Math.max(0, Math.max(hit.from, from) - Date.parse(attack.firstMail)) / 60_000);
  }
}
