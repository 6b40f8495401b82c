// What jails cost: the three jails of a mail server over a log, beside ripgrep with their patterns in the same run, by CPU seconds;
// with all own jails; with Fail2ban's own library where Python has it; and a million failing addresses: `node bench/jails.ts [LINES]…`

import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../src/core/log.ts";
import type { SeenLines } from "../src/core/log-part.ts";
import { JailPart } from "../src/jails/jail-part.ts";
import { LineTable } from "../src/logs/line-table.ts";
import { LogParts } from "../src/logs/log-parts.ts";
import { pieceBytesMax } from "../src/logs/source.ts";

import { jailsStart } from "../tests/jail-house.ts";
import { seedPatterns, writeSeedFail2ban } from "../tests/seed-fail2ban.ts";
import { type ChildRun, runChild } from "./child-run.ts";
import { writeMailLog } from "./mail-log.ts";

const pieceBytes = pieceBytesMax;
const rounds = 3;
const fail2banLines = 20_000;
const off = { enabled: false };
const noOwn = {
  ...{ wrong_password: off, unknown_user: off, spraying: off, connection_limit: off, quota_refusal: off },
  ...{ postscreen: off },
};

const [word, ...rest] = process.argv.slice(2);
if (word === "seed" || word === "thread" || word === "own") readLog(word, rest[0] ?? "", rest[1] ?? "");
else if (word === "million") failMillion();
else await compare(word === undefined ? [1_000_000, 10_000_000] : [word, ...rest].map(Number));

async function compare(sizes: readonly number[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-jails-bench-"));
  try {
    for (const lines of sizes) await compareOver(folder, lines);
    const million = await runChild([process.execPath, import.meta.filename, "million"]);
    console.log(
      `\n1 000 000 failing addresses: ${Math.round(million?.memoryMb ?? 0)} MB resident, ${seconds(million)} CPU s`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compareOver(folder: string, lines: number): Promise<void> {
  const path = join(folder, "maillog");
  const config = join(folder, "fail2ban");
  writeMailLog(path, lines);
  writeSeedFail2ban(config, path);
  const ours = (mode: string) => [process.execPath, import.meta.filename, mode, path, config];
  const host = String.raw`(?:\d{1,3}\.){3}\d{1,3}`;
  const patterns = Object.values(seedPatterns).flatMap((one) => ["-e", one.replace("<HOST>", host)]);
  const runs: readonly (readonly [string, readonly string[]])[] = [
    ["rg, the three patterns", ["rg", "--text", "--count", "-j", "1", ...patterns, path]],
    ["the three jails", ours("seed")],
    ["the three jails and mail events", ours("thread")],
    ["the three jails and all own jails", ours("own")],
  ];
  const best = new Map<string, ChildRun>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, words] of runs) {
      const run = await runChild(words);
      const before = best.get(name);
      if (run !== undefined && (before === undefined || run.cpuMs < before.cpuMs)) best.set(name, run);
    }
  }
  const rate = (name: string) => (lines / (best.get(name)?.cpuMs ?? Number.NaN)) * 1000;
  const fail2ban = await fail2banRate(folder, path);
  console.log(`\n${lines.toLocaleString("en-US")} lines, the least CPU of ${rounds} rounds:\n`);
  console.log("| what | lines/CPU s | of rg | of Fail2ban | MB |\n| --- | --- | --- | --- | --- |");
  for (const [name] of runs) {
    const figures = [
      Math.round(rate(name)).toLocaleString("en-US"),
      (rate(name) / rate("rg, the three patterns")).toFixed(2),
      fail2ban === undefined ? "-" : `${Math.round(rate(name) / fail2ban)} x`,
      Math.round(best.get(name)?.memoryMb ?? 0),
    ];
    console.log(`| ${name} | ${figures.join(" | ")} |`);
  }
  if (fail2ban !== undefined)
    console.log(`| Fail2ban's library, each line through the three filters | ${Math.round(fail2ban)} | | | |`);
}

/** One log as the logs thread reads it: pieces, lines, then what looks at them. */
function readLog(mode: "seed" | "thread" | "own", path: string, directory: string): void {
  const now = Date.now();
  const part = new JailPart(
    jailsStart({ jails: { ...(mode === "own" ? {} : noOwn), fail2ban: directory }, start: { now } }),
  );
  const parts = new LogParts(new Map([["jails", part]]), () => now, silentLog);
  const table = new LineTable();
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(pieceBytes);
  for (let at = 0; ; ) {
    const length = readSync(file, buffer, 0, pieceBytes, at);
    const end = buffer.subarray(0, length).lastIndexOf(10) + 1;
    if (end === 0) break;
    at += end;
    const piece = { bytes: buffer.subarray(0, end), stream: path, places: [] };
    const batch = table.batchOf(path, piece, { readAt: now, isLive: false, isReplay: false });
    if (mode === "seed") part.see({ batch, events: [], refused: [] } satisfies SeenLines);
    else parts.see(batch);
  }
  closeSync(file);
}

/** Each address fails once. */
function failMillion(): void {
  const now = Date.now();
  const part = new JailPart(jailsStart({ start: { now } }));
  const parts = new LogParts(new Map([["jails", part]]), () => now, silentLog);
  const table = new LineTable();
  const stamp = new Date(now).toISOString().replace("Z", "+00:00");
  for (let first = 0; first < 1_000_000; first += 1_000) {
    let text = "";
    for (let n = first; n < first + 1_000; n++) {
      const ip = `${11 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.7`;
      text += `${stamp} mx1 postfix/smtpd[7]: warning: unknown[${ip}]: SASL LOGIN authentication failed: x, sasl_username=u${n % 500}\n`;
    }
    const piece = { bytes: Buffer.from(text), stream: "s", places: [] };
    parts.see(table.batchOf("s", piece, { readAt: now, isLive: true, isReplay: false }));
  }
  const failing = part.report().jails.map(({ name, failing: count }) => `${name} ${count}`);
  console.error(`failing: ${failing.join(", ")}`);
}

/** Lines a CPU second of Fail2ban's own filters; undefined where Python has none. */
async function fail2banRate(folder: string, path: string): Promise<number | undefined> {
  if (spawnSync("python3", ["-c", "import fail2ban.server.filter"], { stdio: "ignore" }).status !== 0) return undefined;
  const script = join(folder, "filters.py");
  const filters = Object.values(seedPatterns).map((pattern) => `    r'''${pattern}''',`);
  writeFileSync(
    script,
    `import itertools, sys
from fail2ban.server.filter import Filter
from fail2ban.server.jail import Jail
filters = []
for pattern in [
${filters.join("\n")}
]:
    one = Filter(None)
    one.active = True
    one.addFailRegex(pattern)
    filters.append(one)
with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
    for line in itertools.islice(log, int(sys.argv[2])):
        for one in filters:
            one.processLine(line.rstrip("\\n"))
`,
  );
  const run = (lines: number) => runChild(["python3", script, path, String(lines)]).catch(() => undefined);
  const [idle, busy] = [await run(0), await run(fail2banLines)];
  if (idle === undefined || busy === undefined || busy.cpuMs <= idle.cpuMs) return undefined;
  return (fail2banLines / (busy.cpuMs - idle.cpuMs)) * 1000;
}

function seconds(run: ChildRun | undefined): string {
  return ((run?.cpuMs ?? 0) / 1000).toFixed(1);
}
