// What the search for stolen accounts costs: `node bench/accounts.ts [FILE]`. Prints seconds and memory of `accounts scan` over FILE
// (or a million lines made here for 10 000 accounts), microseconds an event of the judge alone, and bytes of an idle account.

import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Judge } from "../src/accounts/judge.ts";
import { defaultJudgeSettings } from "../src/accounts/judge-settings.ts";
import { Accounts } from "../src/core/account.ts";
import { draftMailEvent, type MailEvent } from "../src/core/event.ts";
import { networkCacheDirectory } from "../src/networks/embedded.ts";
import { openNetworks } from "../src/networks/networks.ts";

const linesMade = 1_000_000;
const accountsMade = 10_000;
const idleAccounts = 200_000;
const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 1);

const folder = mkdtempSync(path.join(tmpdir(), "postvarta-bench-"));
try {
  const file = process.argv[2] ?? makeLog(path.join(folder, "mail.log"));
  const { seconds, megabytes } = scan(file);
  const lines = Number(spawnSync("wc", ["-l", file], { encoding: "utf8" }).stdout.trim().split(" ")[0]);
  console.log(`accounts scan: ${lines} lines in ${seconds.toFixed(1)} s, ${megabytes} MB at most`);
  const { book } = await openNetworks({}, networkCacheDirectory(process.env));
  const newJudge = () =>
    new Judge({
      settings: defaultJudgeSettings,
      accounts: new Accounts({ defaultDomain: "", aliases: [] }),
      networks: book,
      onChange: () => {},
    });
  console.log(`judge alone: ${judgeEvents(newJudge()).toFixed(2)} µs an event`);
  console.log(`idle account: ${bytesOfIdle(newJudge())} bytes, ${idleAccounts} of them`);
} finally {
  rmSync(folder, { recursive: true });
}

function scan(file: string): { seconds: number; megabytes: number } {
  const program = new URL("../src/main.ts", import.meta.url).pathname;
  const script = `process.on("exit", () => console.error(process.resourceUsage().maxRSS)); process.argv[1] = ${JSON.stringify(program)}; await import(${JSON.stringify(program)});`;
  const before = performance.now();
  const output = openSync("/dev/null", "w");
  const { stderr } = spawnSync(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      script,
      "--",
      program,
      "accounts",
      "scan",
      "--log",
      file,
      "--year",
      "2026",
      "--zone",
      "UTC",
    ],
    { encoding: "utf8", stdio: ["ignore", output, "pipe"] },
  );
  closeSync(output);
  const kilobytes = Number(stderr.trim().split("\n").at(-1));
  return { seconds: (performance.now() - before) / 1000, megabytes: Math.round(kilobytes / 1024) };
}

/** Logins and their queue lines, one in a hundred from somewhere else, as fast as the judge takes them. */
function judgeEvents(judge: Judge): number {
  const events = Array.from({ length: linesMade / 2 }, (_, i) => event(i));
  const before = performance.now();
  for (const one of events) judge.see(one);
  return ((performance.now() - before) * 1000) / events.length;
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
    ip: address(login),
    user,
    method: "PLAIN",
  };
}

function address(i: number): string {
  return i % 100 === 0 ? `${20 + (i % 180)}.${i % 250}.7.9` : `176.8.${i % 200}.${(i >> 3) % 250}`;
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

function makeLog(file: string): string {
  const output = openSync(file, "w");
  let text = "";
  for (let i = 0; i < linesMade; i++) {
    const login = Math.floor(i / 4);
    const second = Math.floor((login * 20 * 86_400) / (linesMade / 4));
    const stamp = new Date(start + second * 1000).toISOString().replace("Z", "000+00:00");
    const id = `A${login.toString(16).toUpperCase().padStart(9, "0")}`;
    const user = `user${login % accountsMade}@example.net`;
    text += `${stamp} mail ${message(i % 4, id, user, login)}\n`;
    if (text.length < 1_000_000) continue;
    writeSync(output, text);
    text = "";
  }
  writeSync(output, text);
  closeSync(output);
  return file;
}

function message(step: number, id: string, user: string, login: number): string {
  if (step === 0)
    return `postfix/submission/smtpd[9]: ${id}: client=unknown[${address(login)}], sasl_method=PLAIN, sasl_username=${user}`;
  if (step === 1) return `postfix/qmgr[2]: ${id}: from=<${user}>, size=${4_000 + login}, nrcpt=1 (queue active)`;
  if (step === 2)
    return `postfix/smtp[7]: ${id}: to=<a@there.example>, relay=mx.there.example[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)`;
  return `postfix/qmgr[2]: ${id}: removed`;
}
