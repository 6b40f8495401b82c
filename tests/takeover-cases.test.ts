// The acceptance cases of stolen accounts that are told as data. What needs a whole daemon, a registry or a Dovecot is tested beside
// it, under a title that carries the number of its case; the last test here says that no number is missing.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { Judge } from "../src/accounts/judge.ts";
import { defaultJudgeSettings } from "../src/accounts/judge-settings.ts";
import { addressIn, dayMs, stageBook } from "../src/accounts/judge-stage.ts";
import { networkCount } from "../src/accounts/signals/network-count.ts";
import { Accounts } from "../src/core/account.ts";
import { draftMailEvent, type MailEvent } from "../src/core/event.ts";
import { createMailReader } from "../src/logs/mail/reader.ts";
import { Zone } from "../src/logs/zone.ts";
import { networkCacheDirectory } from "../src/networks/embedded.ts";
import { openNetworks } from "../src/networks/networks.ts";
import { makeManyAccounts, scanCost } from "./many-accounts.ts";
import { readTakeoverCases, type TakeoverCase } from "./takeover-cases.ts";
import { playSite, type SiteResult } from "./takeover-site.ts";
import { Story } from "./takeover-story.ts";
import { WatchStory } from "./takeover-watch.ts";

const isFull = process.env["POSTVARTA_FULL"] === "1";
const linesScanned = isFull ? 1_000_000 : 60_000;

const { book } = await openNetworks({}, networkCacheDirectory(process.env));

describe("lines of logs", () => {
  for (const one of readTakeoverCases("lines.txt")) test(one.title, () => runLines(one));
});

describe("networks", () => {
  for (const { title, lines } of readTakeoverCases("networks.txt")) {
    test(title, () => {
      for (const line of lines) {
        const [ip = "", expected] = line.split(" -> ");
        const found = book.find(ip);
        const system = found?.asn === undefined ? "none" : `AS${found.asn}`;
        const country = found === undefined || found.kind !== "access" ? "-" : found.country;
        assert.equal(`${system} ${country} ${found?.kind}`, expected, ip);
      }
    });
  }
});

describe("the judge", () => {
  for (const { title, lines } of readTakeoverCases("judge.txt")) {
    test(title, () => {
      const story = new Story();
      for (const line of lines) story.step(line);
    });
  }
});

describe("watches", () => {
  for (const { title, lines } of readTakeoverCases("watch.txt")) {
    test(title, async () => {
      await using story = await WatchStory.start();
      for (const line of lines) await story.step(line);
    });
  }
});

test("case 50: the old rule of thumb counts the networks that a plain query counts", () => {
  const db = new DatabaseSync(":memory:");
  db.exec("create table logins (account text, day integer, network integer)");
  const insert = db.prepare("insert into logins values (?, ?, ?)");
  const [networks, days] = [10, 2];
  const settings = { ...defaultJudgeSettings, networkCount: { networks, days, points: 50 } };
  const accounts = new Accounts({ defaultDomain: "", aliases: [] });
  const judge = new Judge({ settings, accounts, networks: stageBook(), onChange: () => {} });
  const query = db.prepare("select count(distinct network) as n from logins where account = ? and day > ?");
  for (let i = 0; i < 400; i++) {
    const at = Date.UTC(2026, 0, 1) + i * 1_800_000;
    const user = `u${i % 4}`;
    // Some walk through many networks, some through few.
    const network = (i * (1 + (i % 4) * 3)) % (4 + (i % 4) * 20);
    judge.see({ ...draftMailEvent("login", "postfix", ""), at, user, ip: addressIn(network), queueId: `Q${i}` });
    const day = Math.floor(at / dayMs);
    insert.run(user, day, network);
    const counted = Number(query.get(user, day - days)?.["n"]);
    const { evidence } = judge.look(user, at) ?? assert.fail();
    const found = networkCount.judge(evidence);
    assert.equal(found?.because(), counted > networks ? `${counted} networks within ${days} days` : undefined);
  }
  db.close();
});

test(`case 57: ${linesScanned} lines of ten thousand accounts take little time and memory`, () => {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-scan-size-"));
  try {
    const cost = scanCost(makeManyAccounts(join(folder, "mail.log"), linesScanned));
    assert.ok(cost.megabytes <= 400, `${cost.megabytes} MB`);
    if (isFull) assert.ok(cost.cpuSeconds <= 20, `${cost.cpuSeconds} s of the processor`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("case 58: on sites that the judge was not tuned on it keeps what is promised", () => {
  const sites = [101, 102, 103, 104, 105].map(playSite);
  const sum = (of: (site: SiteResult) => number) => sites.reduce((total, site) => total + of(site), 0);
  const taken = sum((site) => site.taken);
  for (const [level, recall, falseAlarms] of [
    ["notice", 0.93, 4],
    ["watch", 0.85, 0.6],
  ] as const) {
    const missed = sites.flatMap((site) => site.missed(level));
    assert.ok(1 - missed.length / taken >= recall, `${level}: ${missed.join("; ")}`);
    const alarms = (sum((site) => site.falseAlarms(level)) / sum((site) => site.accountDays)) * 1_000;
    assert.ok(alarms <= falseAlarms, `${level}: ${alarms} false alarms in a thousand account-days`);
  }
});

test("every case from 1 to 58 is told as data or in the title of a test", () => {
  const root = new URL("../", import.meta.url);
  const found = new Set<number>();
  for (const folder of ["src/", "tests/"]) {
    for (const name of readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })) {
      if (!/\.test\.ts$/.test(name)) continue;
      const text = readFileSync(new URL(folder + name, root), "utf8");
      for (const [, numbers = ""] of text.matchAll(/\btest\(\s*["`]case ([\d, ]+)/g))
        for (const number of numbers.split(",")) found.add(Number(number));
    }
  }
  for (const name of ["lines.txt", "networks.txt", "judge.txt", "watch.txt"])
    for (const { number } of readTakeoverCases(name)) found.add(number);
  const missing = Array.from({ length: 58 }, (_, i) => i + 1).filter((number) => !found.has(number));
  assert.deepEqual(missing, []);
});

function runLines({ lines }: TakeoverCase): void {
  const [settings = ""] = lines;
  const divider = lines.indexOf("---");
  const [year, zone] = settings.split(" ");
  const log = `${lines.slice(1, divider).join("\n")}\n`;
  const events: MailEvent[] = [];
  for (let times = settings.endsWith("read twice") ? 2 : 1; times > 0; times--) {
    const kinds = ["login", "auth_failure", "queued", "bounced"] as const;
    const reader = createMailReader({ year: Number(year), zone: Zone.parse(zone ?? ""), kinds, now: () => 0 });
    reader.see(Buffer.from(log), (event) => events.push(event));
    reader.end((event) => events.push(event));
  }
  const expected = lines.slice(divider + 1);
  const told = expected.filter((line) => !line.startsWith("account "));
  if (told.length > 0) assert.deepEqual(events.map(textOf), told);
  const judge = judgeOf(events);
  for (const line of expected.filter((one) => one.startsWith("account "))) {
    const [, account = "", logins] = /^account (.+) logins (\d+)$/.exec(line) ?? [];
    assert.equal(judge.look(account, events.at(-1)?.at ?? 0)?.account.logins, Number(logins), line);
    assert.equal(judge.size, 1);
  }
}

function textOf({ at, kind, user, ip }: MailEvent): string {
  return `${new Date(at).toISOString()} ${kind} ${user ?? "-"} ${ip ?? "-"}`;
}

function judgeOf(events: readonly MailEvent[]): Judge {
  const accounts = new Accounts({ defaultDomain: "poshta.example", aliases: [] });
  const judge = new Judge({ settings: defaultJudgeSettings, accounts, networks: book, onChange: () => {} });
  for (const event of events) judge.see(event);
  return judge;
}
