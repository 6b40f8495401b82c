// What jails cost: three jails of a mail server over a log, beside ripgrep with their patterns in turns in one run, by CPU seconds, on
// one core; the same with all own jails; and a million failing addresses: `node bench/jails.ts [--rounds N] [--plot SVG] [LINES|FILE]…`.
// Rates are of whole programs, and of the reading alone, without the start of Node; the least CPU of all rounds counts, because what
// other work takes only ever adds to it.

import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { silentLog } from "../src/core/log.ts";
import type { SeenLines } from "../src/core/log-part.ts";
import { JailPart } from "../src/jails/jail-part.ts";
import { LineTable } from "../src/logs/line-table.ts";
import { LogParts } from "../src/logs/log-parts.ts";
import { pieceBytesMax } from "../src/logs/source.ts";
import { jailsStart } from "../tests/jail-house.ts";
import { seedPatterns, writeSeedFail2ban } from "../tests/seed-fail2ban.ts";
import { type Bar, drawBars } from "./bar-plot.ts";
import { type ChildRun, runChild } from "./child-run.ts";
import { mailLogEnd, writeMailLog } from "./mail-log.ts";

/** Lines a second of Debian's Fail2ban 1.0.2 server with these three jails, as measured beside other readers; it is single-threaded. */
const fail2banRate = 11_000;
const off = { enabled: false };
const noOwn = {
  ...{ wrong_password: off, unknown_user: off, spraying: off, connection_limit: off, quota_refusal: off },
  ...{ postscreen: off },
};

/** `caught up`: an old log, whose failures count if they are younger than findtime. `live`: every failure counts. */
interface Mode {
  readonly name: string;
  readonly own: boolean;
  readonly events: boolean;
  readonly isLive: boolean;
}

const modes: Readonly<Record<string, Mode>> = {
  seed: { name: "three jails", own: false, events: false, isLive: false },
  live: { name: "three jails, every failure counts", own: false, events: false, isLive: true },
  own: { name: "three jails and all own jails", own: true, events: true, isLive: false },
  "own-live": { name: "three and all own jails, every failure counts", own: true, events: true, isLive: true },
};

/** What a child says of itself. */
interface Reading {
  readonly cpuMs: number;
  readonly lines: number;
}

interface Measured extends ChildRun {
  readonly readingMs: number;
}

const [word, ...rest] = process.argv.slice(2);
const mode = modes[word ?? ""];
if (mode !== undefined) readLog(mode, rest);
else if (word === "million") failMillion();
else await compareAll();

async function compareAll(): Promise<void> {
  const options = { rounds: { type: "string" }, plot: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const folder = mkdtempSync(join(tmpdir(), "postvarta-jails-bench-"));
  try {
    const bundle = join(folder, "jails.mjs");
    await bundleThis(bundle);
    for (const given of positionals.length === 0 ? ["1000000", "10000000"] : positionals) {
      const path = /^\d+$/.test(given) ? join(folder, `mail-${given}.log`) : given;
      if (path !== given) writeMailLog(path, Number(given));
      const bars = await compare(folder, bundle, path, Number(values.rounds ?? 3));
      if (values.plot !== undefined) writeFileSync(values.plot, drawBars("Lines a CPU second", bars));
      if (path !== given) rmSync(path);
    }
    const million = await runChild([process.execPath, bundle, "million"]);
    const seconds = ((million?.cpuMs ?? 0) / 1000).toFixed(1);
    console.log(`\n1 000 000 failing addresses: ${Math.round(million?.memoryMb ?? 0)} MB resident, ${seconds} CPU s`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One file, so that reading our own modules is no part of the figures; the released program is built into several. */
async function bundleThis(outfile: string): Promise<void> {
  const { build } = await import("esbuild");
  const banner = 'import { createRequire as requireOf } from "node:module";const require = requireOf(import.meta.url);';
  await build({
    ...{ entryPoints: [import.meta.filename], outfile, external: ["esbuild"], banner: { js: banner } },
    ...{ bundle: true, format: "esm", platform: "node", target: "node24", logLevel: "error" },
  });
}

async function compare(folder: string, bundle: string, path: string, rounds: number): Promise<readonly Bar[]> {
  const config = join(folder, "fail2ban");
  const result = join(folder, "result.json");
  writeSeedFail2ban(config, path);
  const host = String.raw`(?:\d{1,3}\.){3}\d{1,3}`;
  const patterns = Object.values(seedPatterns).flatMap((one) => ["-e", one.replace("<HOST>", host)]);
  const runs = new Map([["rg, their patterns", ["rg", "--text", "--count", "-j", "1", ...patterns, path]]]);
  const now = String(
    path.startsWith(folder) ? mailLogEnd(Number(/(\d+)\.log$/.exec(path)?.[1])) : statSync(path).mtimeMs,
  );
  for (const [word, { name }] of Object.entries(modes))
    runs.set(name, [process.execPath, bundle, word, path, config, now, result]);
  const best = new Map<string, Measured>();
  let lines = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [name, words] of runs) {
      const run = await runChild(["taskset", "-c", "0", ...words]);
      if (run === undefined) continue;
      const reading = words[0] === "rg" ? undefined : parseReading(readFileSync(result, "utf8"));
      lines = reading?.lines ?? lines;
      const before = best.get(name);
      const readingMs = Math.min(reading?.cpuMs ?? run.cpuMs, before?.readingMs ?? Number.POSITIVE_INFINITY);
      best.set(name, { ...run, cpuMs: Math.min(run.cpuMs, before?.cpuMs ?? Number.POSITIVE_INFINITY), readingMs });
    }
  }
  return print(best, lines, rounds);
}

function print(best: ReadonlyMap<string, Measured>, lines: number, rounds: number): readonly Bar[] {
  const [rg] = best.values();
  const rate = (ms: number) => Math.round((lines / ms) * 1000);
  console.log(`\n${lines.toLocaleString("en-US")} lines, the least CPU of ${rounds} rounds:\n`);
  console.log("| what | lines/CPU s | without the start | of rg | of Fail2ban's 11 000 | MB |");
  console.log("| --- | --- | --- | --- | --- | --- |");
  const bars: Bar[] = [];
  for (const [name, { cpuMs, readingMs, memoryMb }] of best) {
    const [whole, alone] = [rate(cpuMs), rate(readingMs)];
    const ofRg = (ms: number) => ((rg?.cpuMs ?? Number.NaN) / ms).toFixed(2);
    const figures = [
      whole.toLocaleString("en-US"),
      alone.toLocaleString("en-US"),
      `${ofRg(cpuMs)}, ${ofRg(readingMs)}`,
      `${Math.round(whole / fail2banRate)} x, ${Math.round(alone / fail2banRate)} x`,
      Math.round(memoryMb),
    ];
    console.log(`| ${name} | ${figures.join(" | ")} |`);
    bars.push({ name, value: alone, label: alone.toLocaleString("en-US"), own: !name.startsWith("rg") });
  }
  return [...bars, { name: "Fail2ban 1.0.2", value: fail2banRate, label: "11,000 (not of this run)", own: false }];
}

function parseReading(text: string): Reading {
  const { cpuMs, lines } = JSON.parse(text) as Partial<Reading>;
  return { cpuMs: Number(cpuMs), lines: Number(lines) };
}

/** One log as the logs thread reads it: pieces, lines, then what looks at them. */
function readLog({ own, events, isLive }: Mode, [path = "", directory = "", end = "0", result = ""]: string[]): void {
  const now = Number(end);
  const part = new JailPart(jailsStart({ jails: { ...(own ? {} : noOwn), fail2ban: directory }, start: { now } }));
  const parts = new LogParts(new Map([["jails", part]]), () => now, silentLog);
  const table = new LineTable();
  const before = process.cpuUsage();
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(pieceBytesMax);
  let lines = 0;
  for (let at = 0; ; ) {
    const length = readSync(file, buffer, 0, pieceBytesMax, at);
    const end = buffer.subarray(0, length).lastIndexOf(10) + 1;
    if (end === 0) break;
    at += end;
    const piece = { bytes: buffer.subarray(0, end), stream: path, places: [] };
    const batch = table.batchOf(path, piece, { readAt: now, isLive, isReplay: false });
    lines += batch.count;
    if (events) parts.see(batch);
    else part.see({ batch, events: [], refused: [] } satisfies SeenLines);
  }
  closeSync(file);
  const { user, system } = process.cpuUsage(before);
  if (result !== "") writeFileSync(result, JSON.stringify({ cpuMs: (user + system) / 1000, lines } satisfies Reading));
  else console.log(part.report().jails.map(({ name, counts }) => `${name} ${counts.failures} ${counts.tickets}`));
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
