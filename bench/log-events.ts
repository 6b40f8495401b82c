// What reading a mail log costs, beside `wc -l` and ripgrep with the same questions, in turns in one run, each on one core:
// `node bench/log-events.ts [--rounds N] [LINES|FILE]…`, without words a log of a million lines and one of ten million. Every
// round reads each file twice: after its pages were dropped from the cache, and again. Prints medians and ratios.

import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type ChildRun, runChild } from "./child-run.ts";
import { writeMailLog } from "./mail-log.ts";

/** What ripgrep is asked for: what somebody would look for who wants the same lines. */
const fourPatterns = [
  "SASL .* authentication failed",
  "auth failed",
  "limit exceeded",
  "reject: ",
  "sasl_username=",
  "-login: Login: ",
];
const eightPatterns = [...fourPatterns, "status=(sent|bounced|deferred)", "qmgr.*: from=<"];

interface Reader {
  readonly name: string;
  words(path: string): readonly string[];
}

const bundle = new URL("../dist/postvarta.mjs", import.meta.url).pathname;
const rg = (patterns: readonly string[], path: string) => [
  "rg",
  "--text",
  "--count",
  ...patterns.flatMap((one) => ["-e", one]),
  path,
];

const readers: readonly Reader[] = [
  { name: "wc -l", words: (path) => ["wc", "-l", path] },
  { name: "rg, one pattern", words: (path) => rg(fourPatterns.slice(0, 1), path) },
  { name: "rg, patterns of four kinds", words: (path) => rg(fourPatterns, path) },
  { name: "rg, patterns of eight kinds", words: (path) => rg(eightPatterns, path) },
  { name: "log events, four kinds", words: (path) => [process.execPath, bundle, "log", "events", "--log", path] },
  {
    name: "log events --kinds all",
    words: (path) => [process.execPath, bundle, "log", "events", "--kinds", "all", "--log", path],
  },
];

const { values, positionals } = parseArgs({ options: { rounds: { type: "string" } }, allowPositionals: true });
const rounds = Number(values.rounds ?? 3);
spawnSync(process.execPath, [new URL("../scripts/build.ts", import.meta.url).pathname], { stdio: "ignore" });
const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
try {
  for (const word of positionals.length === 0 ? ["1000000", "10000000"] : positionals) {
    const path = /^\d+$/.test(word) ? join(folder, `mail-${word}.log`) : word;
    if (path !== word) writeMailLog(path, Number(word));
    await measure(path);
    if (path !== word) rmSync(path);
  }
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(path: string): Promise<void> {
  const lines = Number(spawnSync("wc", ["-l", path], { encoding: "utf8" }).stdout.trim().split(" ")[0]);
  const runs = new Map(readers.map(({ name }) => [name, { cold: [] as ChildRun[], warm: [] as ChildRun[] }]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, words } of readers) {
      for (const state of ["cold", "warm"] as const) {
        if (state === "cold") dropFromCache(path);
        const run = await runChild(onOneCore(words(path)));
        if (run !== undefined) runs.get(name)?.[state].push(run);
      }
    }
  }
  console.log(`\n${lines.toLocaleString("en-US")} lines, medians of ${rounds} rounds, one core:\n`);
  console.log("| reader | lines/s cold | warm | lines/CPU s | MB | of wc -l | of rg, four kinds |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  const warmOf = (name: string) => median((runs.get(name)?.warm ?? []).map(({ wallMs }) => wallMs));
  for (const { name } of readers) {
    const { cold = [], warm = [] } = runs.get(name) ?? {};
    if (warm.length === 0) {
      console.log(`| ${name} | not installed | | | | | |`);
      continue;
    }
    const rate = (ms: number) => Math.round((lines / ms) * 1000).toLocaleString("en-US");
    const ratio = (other: string) => (warmOf(other) / warmOf(name)).toFixed(2);
    const figures = [
      rate(median(cold.map(({ wallMs }) => wallMs))),
      rate(warmOf(name)),
      rate(median(warm.map(({ cpuMs }) => cpuMs))),
      Math.round(Math.max(...[...cold, ...warm].map(({ memoryMb }) => memoryMb))),
      ratio("wc -l"),
      ratio("rg, patterns of four kinds"),
    ];
    console.log(`| ${name} | ${figures.join(" | ")} |`);
  }
}

/** The file is written out first: only clean pages go (posix_fadvise(2), which dd calls). */
function dropFromCache(path: string): void {
  const file = openSync(path, "r");
  fsyncSync(file);
  closeSync(file);
  spawnSync("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
}

/** Helping threads (reading ahead, collecting garbage) share the core, so that time on the wall is time of a core. */
function onOneCore(words: readonly string[]): readonly string[] {
  return ["taskset", "--cpu-list", "0", ...words];
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
