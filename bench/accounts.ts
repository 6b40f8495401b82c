// What the search for stolen accounts costs: `node bench/accounts.ts [FILE]`. Prints seconds and memory of `accounts scan` over FILE
// (or a million lines made here for 10 000 accounts), microseconds an event of the judge alone,
// of its part in the logs thread a line, records and all, once it has run for a while, and bytes of an idle account.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AccountsPart } from "../src/accounts/accounts-part.ts";
import { Judge } from "../src/accounts/judge.ts";
import { defaultJudgeSettings } from "../src/accounts/judge-settings.ts";
import { Accounts } from "../src/core/account.ts";
import { draftMailEvent, type MailEvent, mailKinds } from "../src/core/event.ts";
import type { LineBatch } from "../src/core/line-batch.ts";
import { readMailEvents } from "../src/logs/events.ts";
import { Zone } from "../src/logs/zone.ts";
import { networkCacheDirectory } from "../src/networks/embedded.ts";
import type { NetworkBook } from "../src/networks/network-book.ts";
import { openNetworks } from "../src/networks/networks.ts";
import { accountsMade, addressOf, makeManyAccounts, scanCost } from "../tests/many-accounts.ts";

const linesMade = 1_000_000;
const idleAccounts = 200_000;
const linesOfBatch = 400;
/** While these are judged V8 still compiles what a daemon that runs has long compiled. */
const linesToWarm = 400_000;
const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1);

const none = new Int32Array(0);
const emptyBatch: LineBatch = {
  ...{ source: "bench", stream: "bench", bytes: Buffer.alloc(0), starts: none, ends: none },
  ...{ count: 0, skipped: 0, readAt: 0, isReplay: false, isLive: true },
};

const folder = mkdtempSync(path.join(tmpdir(), "postvarta-bench-"));
try {
  const file = process.argv[2] ?? makeManyAccounts(path.join(folder, "mail.log"), linesMade);
  const { seconds, cpuSeconds, megabytes } = scanCost(file);
  const lines = Number(spawnSync("wc", ["-l", file], { encoding: "utf8" }).stdout.trim().split(" ")[0]);
  console.log(
    `accounts scan: ${lines} lines in ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of the processor), ${megabytes} MB at most`,
  );
  const { book } = await openNetworks({}, networkCacheDirectory(process.env));
  const newJudge = () =>
    new Judge({
      settings: defaultJudgeSettings,
      accounts: new Accounts({ defaultDomain: "", aliases: [] }),
      networks: book,
      onChange: () => {},
    });
  console.log(`live: ${await judgeLive(file, lines, book)}`);
  console.log(`judge alone: ${judgeEvents(newJudge()).toFixed(2)} µs an event`);
  console.log(`idle account: ${bytesOfIdle(newJudge())} bytes, ${idleAccounts} of them`);
} finally {
  rmSync(folder, { recursive: true });
}

/** The file's events as the logs thread hands them over, a batch of lines at a time; what it writes is made, and thrown away. */
async function judgeLive(file: string, lines: number, networks: NetworkBook): Promise<string> {
  const accounts = { defaultDomain: "", aliases: [] };
  const nothing = { histories: [], queue: [], site: undefined, marks: [], events: [], sequence: 0 };
  const part = new AccountsPart({ settings: defaultJudgeSettings, accounts, ...nothing }, networks);
  const spent = { see: 0, due: 0, warming: 0 };
  let waiting: MailEvent[] = [];
  let isWarm = false;
  const judge = () => {
    const readAt = waiting.at(-1)?.at ?? 0;
    const before = processorUs();
    part.see({ batch: { ...emptyBatch, readAt }, events: waiting, refused: [] });
    const between = processorUs();
    part.due(readAt);
    const end = processorUs();
    if (isWarm) {
      spent.see += between - before;
      spent.due += end - between;
    } else spent.warming += end - before;
    isWarm = (waiting.at(-1)?.line ?? 0) >= linesToWarm;
    waiting = [];
  };
  const see = (event: MailEvent) => {
    if (event.line - (waiting[0]?.line ?? event.line) >= linesOfBatch) judge();
    waiting.push(event);
  };
  const options = { year: 2026, zone: Zone.parse("UTC"), kinds: mailKinds, warn: () => {}, now: Date.now };
  await readMailEvents([file], options, { see, pause: async () => true });
  judge();
  const warm = Math.max(1, lines - linesToWarm);
  const [seen, due, first] = [spent.see / warm, spent.due / warm, spent.warming / Math.min(lines, linesToWarm)];
  const parts = `${seen.toFixed(2)} of judging, ${due.toFixed(2)} of histories written every 5 minutes of the log`;
  return `${(seen + due).toFixed(2)} µs a line: ${parts}; ${first.toFixed(2)} µs while the first ${linesToWarm} lines were new to V8`;
}

/** Logins and their queue lines, one in a hundred from somewhere else, as fast as the judge takes them. */
function judgeEvents(judge: Judge): number {
  const events = Array.from({ length: linesMade / 2 }, (_, i) => event(i));
  const before = processorUs();
  for (const one of events) judge.see(one);
  return (processorUs() - before) / events.length;
}

/** Time of the processor in all threads, the collector's too: other work takes less of it than of the time on the wall. */
function processorUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function event(i: number): MailEvent {
  const login = i >> 1;
  const at = start + Math.floor((login * 20 * dayMs) / (linesMade / 4));
  const queueId = `Q${login}`;
  const user = `user${login % accountsMade}@example.net`;
  if (i % 2 === 1)
    return {
      ...draftMailEvent("queued", "postfix", "qmgr"),
      at,
      queueId,
      recipients: 1,
      sizeBytes: 4_000 + login,
      sender: user,
    };
  return {
    ...draftMailEvent("login", "postfix", "submission"),
    at,
    queueId,
    ip: addressOf(login),
    user,
    method: "PLAIN",
  };
}

/** Ten days of one login each from four networks, then a month of nothing. */
function bytesOfIdle(judge: Judge): number {
  const networks = ["176.8.20", "178.133.10", "37.73.1", "109.86.1"];
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  let login = 0;
  for (let day = 0; day < 10; day++) {
    for (let account = 0; account < idleAccounts; account++) {
      const user = `idle${account}@example.net`;
      const at = start + day * dayMs + account;
      const ip = `${networks[(day + account) % networks.length]}.${account % 250}`;
      judge.see({ ...draftMailEvent("login", "dovecot", "imap"), at, ip, user, method: "PLAIN" });
      login++;
    }
  }
  judge.due(start + 40 * dayMs);
  globalThis.gc?.();
  const bytes = Math.round((process.memoryUsage().heapUsed - before) / idleAccounts);
  if (judge.size !== idleAccounts || login === 0) throw new Error("not every account is there");
  return bytes;
}
