// A log of many accounts that mostly stay at home, and what `accounts scan` costs over it: for the benchmark and for the tests.

import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";

export const accountsMade = 10_000;
const start = Date.UTC(2026, 0, 1);
const days = 20;

export interface ScanCost {
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  readonly megabytes: number;
}

/** What a scan of `file` takes, in a process of its own. */
export function scanCost(file: string): ScanCost {
  const program = new URL("../src/main.ts", import.meta.url).pathname;
  const script = `process.on("exit", () => console.error(JSON.stringify(process.resourceUsage()))); process.argv[1] = ${JSON.stringify(program)}; await import(${JSON.stringify(program)});`;
  const args = ["accounts", "scan", "--log", file, "--year", "2026", "--zone", "UTC"];
  const before = performance.now();
  const output = openSync("/dev/null", "w");
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script, "--", program, ...args], {
    encoding: "utf8",
    stdio: ["ignore", output, "pipe"],
  });
  closeSync(output);
  const seconds = (performance.now() - before) / 1000;
  const usage = JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as NodeJS.ResourceUsage;
  const cpuSeconds = (usage.userCPUTime + usage.systemCPUTime) / 1e6;
  return { seconds, cpuSeconds, megabytes: Math.round(usage.maxRSS / 1024) };
}

/** Writes `lines` lines: four a message, one message in a hundred from somewhere else. */
export function makeManyAccounts(file: string, lines: number): string {
  const output = openSync(file, "w");
  let text = "";
  for (let i = 0; i < lines; i++) {
    const login = Math.floor(i / 4);
    const second = Math.floor((login * days * 86_400) / (lines / 4));
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

/** Where the `i`-th message comes from. */
export function addressOf(i: number): string {
  return i % 100 === 0 ? `${20 + (i % 180)}.${i % 250}.7.9` : `176.8.${i % 200}.${(i >> 3) % 250}`;
}

function message(step: number, id: string, user: string, login: number): string {
  if (step === 0)
    return `postfix/submission/smtpd[9]: ${id}: client=unknown[${addressOf(login)}], sasl_method=PLAIN, sasl_username=${user}`;
  if (step === 1) return `postfix/qmgr[2]: ${id}: from=<${user}>, size=${4_000 + login}, nrcpt=1 (queue active)`;
  if (step === 2)
    return `postfix/smtp[7]: ${id}: to=<a@there.example>, relay=mx.there.example[192.0.2.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)`;
  return `postfix/qmgr[2]: ${id}: removed`;
}
