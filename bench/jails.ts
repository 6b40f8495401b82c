// What jails cost: three jails of a mail server over a log, beside ripgrep with their patterns in turns in one run, by CPU seconds, on
// one core; the same with all own jails; and a million failing addresses: `node bench/jails.ts [--rounds N] [--plot SVG] [LINES|FILE]…`.
// Rates are of whole programs, and of the reading alone, without the start of Node; the least CPU of all rounds counts, because what
// other work takes only ever adds to it.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { jailsStart } from "../tests/jail-house.ts";
import { seedPatterns, writeSeedFail2ban } from "../tests/seed-fail2ban.ts";
import { type Bar, drawBars } from "./bar-plot.ts";
import { type ChildRun, runChild } from "./child-run.ts";
import type { Reading } from "./jail-reading.ts";
import { mailLogEnd, writeMailLog } from "./mail-log.ts";

/** Lines a second of Debian's Fail2ban 1.0.2 server with these three jails, as measured beside other readers; it is single-threaded. */
const fail2banRate = 11_000;
const off = { enabled: false };
const noOwn = {
  ...{ wrong_password: off, unknown_user: off, spraying: off, connection_limit: off, quota_refusal: off },
  ...{ postscreen: off },
};

/** The program that reads, with as much room for young objects as the logs thread has: three times 8 MB. */
const program = [process.execPath, "--max-semi-space-size=8"];

/**
 * What is run, by the words of the reading program. An old log, whose failures count if they are younger than findtime, or, with
 * `live`, one whose failures all count.
 */
const modes: Readonly<Record<string, string>> = {
  seed: "three jails",
  "seed-live": "three jails, every failure counts",
  own: "three jails and all own jails",
  "own-live": "three and all own jails, every failure counts",
};

interface Measured extends ChildRun {
  readonly readingMs: number;
}

await compareAll();

async function compareAll(): Promise<void> {
  const options = { rounds: { type: "string" }, plot: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const folder = mkdtempSync(join(tmpdir(), "postvarta-jails-bench-"));
  try {
    const bundle = join(folder, "jails.mjs");
    await bundleReading(bundle);
    await fillCompileCache(folder, bundle);
    for (const given of positionals.length === 0 ? ["1000000", "10000000"] : positionals) {
      const path = /^\d+$/.test(given) ? join(folder, `mail-${given}.log`) : given;
      if (path !== given) writeMailLog(path, Number(given));
      const bars = await compare(folder, bundle, path, Number(values.rounds ?? 3));
      if (values.plot !== undefined) writeFileSync(values.plot, drawBars("Lines a CPU second", bars));
      if (path !== given) rmSync(path);
    }
    const million = await runChild([...program, bundle, "million", writeStart(folder, "million", {})]);
    const seconds = ((million?.cpuMs ?? 0) / 1000).toFixed(1);
    console.log(`\n1 000 000 failing addresses: ${Math.round(million?.memoryMb ?? 0)} MB resident, ${seconds} CPU s`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One file, so that reading our own modules is no part of the figures; the released program is built into several. */
async function bundleReading(outfile: string): Promise<void> {
  await build({
    ...{ entryPoints: [join(import.meta.dirname, "jail-reading.ts")], outfile, bundle: true },
    ...{ format: "esm", platform: "node", target: "node24", logLevel: "error" },
  });
}

/** The released program keeps its compiled code too: after this run the programs find theirs. */
async function fillCompileCache(folder: string, bundle: string): Promise<void> {
  process.env["NODE_COMPILE_CACHE"] = join(folder, "compiled");
  const log = join(folder, "first.log");
  writeMailLog(log, 1_000);
  const start = writeStart(folder, "first", { fail2ban: writeSeedFail2ban(join(folder, "fail2ban"), log) });
  await runChild([...program, bundle, "own-live", start, log, String(mailLogEnd(1_000))]);
}

/** What the owner of the jails hands over to their thread. */
function writeStart(folder: string, name: string, jails: Readonly<Record<string, unknown>>): string {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(jailsStart({ jails })));
  return file;
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
  for (const [word, name] of Object.entries(modes)) {
    const own = word.startsWith("own") ? {} : noOwn;
    const start = writeStart(folder, word, { ...own, fail2ban: config });
    runs.set(name, [...program, bundle, word, start, path, now, result]);
  }
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
