// Rules by which others find stolen accounts, beside ours, over the same labelled logs: `node bench/takeover-rules.ts [--svg FILE] DIR…`,
// each DIR with a mail.log and a truth.json that names the accounts taken over (`attack: { type, from, firstMail, to }`) and the
// options of the log. Each rule alarms an account until a day after it last tripped, without a window for ever. Ours stands as it
// ships (notice, watch), and with a notice at several scores. Prints a table; `--svg` draws recall over false alarms.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { type Level, levels } from "../src/accounts/account-history.ts";
import { Judge, type LevelChange } from "../src/accounts/judge.ts";
import { defaultJudgeSettings, type JudgeSettings } from "../src/accounts/judge-settings.ts";
import { Accounts } from "../src/core/account.ts";
import type { MailEvent } from "../src/core/event.ts";
import { readMailEvents } from "../src/logs/events.ts";
import { Zone } from "../src/logs/zone.ts";
import { networkCacheDirectory } from "../src/networks/embedded.ts";
import { openNetworks } from "../src/networks/networks.ts";
import { type Alarm, type Alarms, AlarmTally, type Truth } from "./alarm-tally.ts";
import { type PeerRule, peerRules, type Visit } from "./peer-rules.ts";
import { drawRecall, type RecallPoint } from "./recall-plot.ts";

const dayMs = 86_400_000;

/** Scores at which a notice is tried. */
const steps = [25, 30, 35, 38, 40, 45, 50, 60, 75] as const;
const shipped = ["notice", "watch"] as const;

const { values, positionals } = parseArgs({ options: { svg: { type: "string" } }, allowPositionals: true });
const { book } = await openNetworks({}, networkCacheDirectory(process.env));
const tallies = new Map<string, AlarmTally>();
for (const folder of positionals) await judgeFolder(folder);
printTable();
if (values.svg !== undefined) writeFileSync(values.svg, drawTable());

function stepName(step: number): string {
  return `ours, a notice at ${step}`;
}

function shippedName(level: Level): string {
  return `ours as it ships, ${level}`;
}

async function judgeFolder(folder: string): Promise<void> {
  const truth: Truth = JSON.parse(readFileSync(path.join(folder, "truth.json"), "utf8"));
  const visits = new Map<string, Visit[]>();
  const senders = new Map<string, string>();
  const mailed = new Map<string, { at: number; recipients: number }[]>();
  const judges = [judgeWith(defaultJudgeSettings), ...steps.map((step) => judgeWith(onlyNotices(step)))];
  const see = (event: MailEvent) => {
    for (const { judge } of judges) judge.see(event);
    const name = event.user?.toLowerCase();
    if (event.kind === "login" && name !== undefined && event.queueId !== null) senders.set(event.queueId, name);
    if (event.kind === "queued") {
      const sender = senders.get(event.queueId ?? "");
      if (sender !== undefined && senders.delete(event.queueId ?? ""))
        listOf(mailed, sender).push({ at: event.at, recipients: event.recipients ?? 0 });
    }
    const from = event.ip === null ? undefined : book.find(event.ip);
    if (name === undefined || from === undefined || event.ip === null) return;
    listOf(visits, name).push({ at: event.at, ip: event.ip, from, failed: event.kind === "auth_failure" });
  };
  const kinds = ["login", "auth_failure", "queued", "bounced"] as const;
  const year = Number(truth.options.start.slice(0, 4));
  const options = { year, zone: Zone.parse(truth.options.tz), kinds, warn: () => {}, now: Date.now };
  await readMailEvents([path.join(folder, "mail.log")], options, { see, pause: async () => true });
  for (const rule of peerRules) tally(rule.name).count(truth, alarmsOf(rule, visits), mailed);
  const [own, ...tried] = judges;
  for (const level of shipped) tally(shippedName(level)).count(truth, alarmsAt(own?.changes ?? [], level), mailed);
  for (const [i, { changes }] of tried.entries())
    tally(stepName(steps[i] ?? 0)).count(truth, alarmsAt(changes, "notice"), mailed);
}

function tally(name: string): AlarmTally {
  const known = tallies.get(name) ?? new AlarmTally();
  tallies.set(name, known);
  return known;
}

function listOf<T>(lists: Map<string, T[]>, name: string): T[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}

function onlyNotices(step: number): JudgeSettings {
  return { ...defaultJudgeSettings, levels: { notice: step, watch: 101, high: 102 } };
}

function judgeWith(settings: JudgeSettings): { judge: Judge; changes: LevelChange[] } {
  const changes: LevelChange[] = [];
  const accounts = new Accounts({ defaultDomain: "", aliases: [] });
  const judge = new Judge({ settings, accounts, networks: book, onChange: (change) => void changes.push(change) });
  return { judge, changes };
}

/** When accounts were at `level` or above. */
function alarmsAt(changes: readonly LevelChange[], level: Level): Alarms {
  const alarms = new Map<string, Alarm[]>();
  for (const { account, at, level: reached } of changes) {
    const list = listOf(alarms, account);
    const open = list.at(-1);
    const isOn = levels.indexOf(reached) >= levels.indexOf(level);
    if (open?.to === Number.POSITIVE_INFINITY) open.to = isOn ? open.to : at;
    else if (isOn) list.push({ from: at, to: Number.POSITIVE_INFINITY });
  }
  return alarms;
}

function alarmsOf(rule: PeerRule, visits: ReadonlyMap<string, readonly Visit[]>): Alarms {
  const alarms = new Map<string, Alarm[]>();
  for (const [account, seen] of visits) {
    const all = rule.seesFailures ? seen : seen.filter(({ failed }) => !failed);
    const list = listOf(alarms, account);
    let first = 0;
    for (let i = 0; i < all.length; i++) {
      const at = all[i]?.at ?? 0;
      while (at - (all[first]?.at ?? at) > rule.windowMs) first++;
      const open = list.at(-1);
      if (open?.to === Number.POSITIVE_INFINITY) break;
      if (!rule.trips(all.slice(first, i + 1))) continue;
      const to = rule.windowMs === Number.POSITIVE_INFINITY ? rule.windowMs : at + dayMs;
      if (open !== undefined && open.to >= at) open.to = to;
      else list.push({ from: at, to });
    }
  }
  return alarms;
}

function printTable(): void {
  const [first] = tallies.values();
  const heads = ["rule", ...Object.keys(first?.row ?? {})];
  console.log(`| ${heads.join(" | ")} |`);
  console.log(`| ${heads.map(() => "---").join(" | ")} |`);
  for (const [name, { row }] of tallies) console.log(`| ${[name, ...Object.values(row)].join(" | ")} |`);
}

function drawTable(): string {
  const pointOf = (name: string, label: string): RecallPoint => {
    const { recall, falseAlarms } = tally(name);
    return { name: label, recall, falseAlarms };
  };
  const peers = peerRules.map(({ name }) => pointOf(name, name));
  const own = steps.map((step) => pointOf(stepName(step), String(step)));
  return drawRecall("Stolen accounts found, and how often nobody had stolen anything", peers, own);
}
