// Questions a second beside the limit and the peers, alternating in one run, because absolute figures hold for one machine
// and one hour only: node bench/policy.ts [rounds] [seconds] [--plot FILE]. The limit is a Node server that always answers
// DUNNO; the peers are Debian's postfwd 1 and policyd-rate-limit. One quota, one access rule, 50 connections,
// 20 000 accounts, the charge on disk (synchronous = FULL; PostgreSQL's fsync) before the answer.

import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasPostgres, PostgresRig } from "../tests/postgres-rig.ts";
import { drawBars } from "./bar-plot.ts";
import { type Contender, listContenders, projectRoot } from "./contenders.ts";
import { unpackDebianPeers } from "./debian-peers.ts";
import { fsyncFigures } from "./fsync-figures.ts";
import type { LoadFigures } from "./policy-load.ts";

const connections = 50;
const startTimeoutMs = 20_000;

interface Result {
  readonly contender: Contender;
  readonly perSecond: number;
  readonly least: number;
  readonly most: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function measureOne(contender: Contender, seconds: number): Promise<LoadFigures> {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
  const child = await contender.start(folder);
  try {
    await answers(contender.port, contender.stop === undefined ? child : undefined);
    contender.prepare?.(folder);
    const words = [
      join(projectRoot, "bench/policy-load.ts"),
      String(contender.port),
      String(connections),
      String(seconds),
    ];
    const { stdout, stderr } = spawnSync(process.execPath, words, {
      encoding: "utf8",
      timeout: (seconds + 30) * 1_000,
    });
    if (stdout === "") throw new Error(`${contender.name}: ${stderr}`);
    return JSON.parse(stdout) as LoadFigures;
  } finally {
    contender.stop?.(folder);
    // A contender that has ended by itself has told its exit while we were measuring.
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGTERM")) await ended;
    rmSync(folder, { recursive: true });
  }
}

async function answers(port: number, child: ChildProcess | undefined): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline && (child === undefined || child.exitCode === null)) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("close", () => socket.destroy());
      setTimeout(() => socket.destroy(), 200).unref();
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing listens on ${port}`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function main(rounds: number, seconds: number, plot: string | undefined): Promise<void> {
  spawnSync(process.execPath, [join(projectRoot, "scripts/build.ts")], { stdio: "ignore" });
  await using postgres = hasPostgres() ? await PostgresRig.start() : undefined;
  const list = await listContenders(postgres, unpackDebianPeers());
  const figures = new Map<Contender, LoadFigures[]>(list.map((contender) => [contender, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of list) {
      const figure = await measureOne(contender, seconds);
      figures.get(contender)?.push(figure);
      process.stderr.write(`round ${round} of ${rounds}: ${contender.name}: ${figure.perSecond}/s\n`);
    }
  }
  const results = [...figures].map(([contender, all]) => summarize(contender, all));
  const title = `${connections} connections, ${rounds} rounds of ${seconds} s, medians`;
  console.log(`${title}; ${fsyncFigures()}\n`);
  for (const line of printTable(results)) console.log(line);
  if (plot !== undefined) writeFileSync(plot, plotOf(results));
}

function summarize(contender: Contender, all: readonly LoadFigures[]): Result {
  const perSecond = all.map((one) => one.perSecond);
  return {
    contender,
    perSecond: median(perSecond),
    least: Math.min(...perSecond),
    most: Math.max(...perSecond),
    p50Ms: median(all.map((one) => one.p50Ms)),
    p99Ms: median(all.map((one) => one.p99Ms)),
  };
}

/** Markdown: the last columns say how many times a server's own rate Postvarta on SQLite answers. */
function printTable(results: readonly Result[]): string[] {
  const [limit, own] = [results[0]?.perSecond ?? 0, results[1]?.perSecond ?? 0];
  const rows = results.map(({ contender, perSecond, least, most, p50Ms, p99Ms }) => [
    contender.name,
    `${perSecond} (${least}-${most})`,
    (perSecond / limit).toFixed(2),
    (own / perSecond).toFixed(2),
    `${p50Ms} / ${p99Ms}`,
    contender.durable,
  ]);
  const head = [
    "server",
    "questions/s (min-max)",
    "of the trivial server",
    "Postvarta, SQLite, against it",
    "p50 / p99 ms",
    "on disk before the answer",
  ];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

function plotOf(results: readonly Result[]): string {
  const limit = results[0]?.perSecond ?? 0;
  const bars = results.map(({ contender, perSecond }) => ({
    name: contender.name,
    value: perSecond,
    label: `${perSecond}/s, ${(perSecond / limit).toFixed(2)} of the limit`,
    own: contender.name.startsWith("Postvarta"),
  }));
  return drawBars("Policy questions a second, 50 connections", bars);
}

const [rounds = 3, seconds = 5] = process.argv.slice(2).map(Number).filter(Number.isFinite);
const plotAt = process.argv.indexOf("--plot");
await main(rounds, seconds, plotAt < 0 ? undefined : process.argv[plotAt + 1]);
