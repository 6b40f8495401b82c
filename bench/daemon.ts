// The daemon itself with 100 000 live cells: how long after its start it answers, its memory, and what a question waits at
// 1 000 a second on 100 connections while long reports run: node bench/daemon.ts [seconds]

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { steadyClock } from "../src/core/clock.ts";
import { cellPrefix } from "../src/policy/cell-key.ts";
import type { DecisionRow } from "../src/store/db.ts";
import { openStore } from "../src/store/open.ts";
import { type Contender, postvarta, projectRoot } from "./contenders.ts";
import { fsyncFigures } from "./fsync-figures.ts";
import { askPaced, type PacedFigures } from "./paced-load.ts";

const cells = 100_000;
const decisions = 50_000;
const load = { connections: 100, perSecond: 1_000 };
const hour = 3_600_000;
const startTimeoutMs = 20_000;

async function main(seconds: number): Promise<void> {
  spawnSync(process.execPath, [join(projectRoot, "scripts/build.ts")], { stdio: "ignore" });
  const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
  try {
    const daemon = await postvarta("Postvarta", async () => `sqlite:${folder}/p.db`);
    await prepareStore(daemon, folder);
    await measureDaemon(daemon, folder, seconds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The rules through the daemon, the cells and decisions of a busy day by hand. */
async function prepareStore(daemon: Contender, folder: string): Promise<void> {
  const child = await daemon.start(folder);
  await firstAnswer(daemon.port);
  daemon.prepare?.(folder);
  await end(child);
  await using store = await openStore(`sqlite:${folder}/p.db`, { clock: steadyClock() });
  const prefix = cellPrefix("p", "q", "sliding", { count: "recipients", max: 1_000_000, periodMs: hour });
  for (let i = 0; i < cells; i += 1_000) {
    const turn = Array.from({ length: 1_000 }, (_, n) => `${prefix}SASLUsername:u${i + n}@example.net`);
    await Promise.all(
      turn.map((key, n) =>
        store.cells.charge([key], (view) => {
          view.put(key, bucketsOf(view.now), view.now + hour);
          if (i + n < decisions) view.saveDecision(decisionOf(i + n, view.now));
        }),
      ),
    );
  }
  // Closing waits a few seconds only, and a busy disk may have left most of it in memory.
  await store.cells.flush();
}

/** Twelve buckets of a sliding hour. */
function bucketsOf(now: number): number[] {
  const minute = Math.floor(now / 60_000);
  return [1, ...Array.from({ length: 12 }, (_, n) => [minute - 55 + 5 * n, 3]).flat()];
}

function decisionOf(n: number, now: number): DecisionRow {
  const account = `u${n % 500}@example.net`;
  const trail = JSON.stringify({
    request: { sender: account, recipient: "r@dest.example.org" },
    policies: ["p"],
    findings: [],
  });
  const where = { client: "203.0.113.9", queueId: "", instance: `i${n}`, recipient: "r@dest.example.org" };
  const what = { rule: "p/q", key: "", verdict: "reject", text: "LIMIT AT QUOTAUSE", trail };
  return { id: `BENCH${n}`, at: now - n, lastAt: now - n, count: 1, account, sender: account, ...where, ...what };
}

async function measureDaemon(daemon: Contender, folder: string, seconds: number): Promise<void> {
  const from = performance.now();
  const child = await daemon.start(folder);
  try {
    await firstAnswer(daemon.port);
    print(`first answer after start with ${cells} cells`, `${(performance.now() - from).toFixed(0)} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    print("resident, 2 s later", `${residentMb(child)} MB`);
    const alone = await pacedLoad(daemon.port, seconds);
    print(`${load.perSecond} questions/s on ${load.connections} connections`, figuresOf(alone));
    const reports = new Reports(join(folder, "c.sock"));
    const beside = await pacedLoad(daemon.port, seconds);
    print("the same while all counters and decisions are read", figuresOf(beside));
    print("reports read meanwhile", await reports.stop());
    print("resident afterwards", `${residentMb(child)} MB`);
    print("the disk afterwards", fsyncFigures());
  } finally {
    await end(child);
  }
}

/** Every counter in pages, and a search of the decisions that finds nothing: the dearest questions of an operator. */
class Reports {
  readonly #socket: string;
  readonly #done: Promise<void>;
  #counters = 0;
  #searches = 0;
  #stopping = false;

  constructor(socket: string) {
    this.#socket = socket;
    this.#done = this.#run();
  }

  async stop(): Promise<string> {
    this.#stopping = true;
    await this.#done;
    return `${this.#counters} counters, ${this.#searches} searches of ${decisions} decisions`;
  }

  async #run(): Promise<void> {
    let cursor: string | null = null;
    while (!this.#stopping) {
      const page = await this.#read(`/quotas${cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`}`);
      this.#counters += page.quotas?.length ?? 0;
      cursor = page.next ?? null;
      if (cursor !== null) continue;
      await this.#read("/explain/nothing-like-it?limit=500");
      this.#searches++;
    }
  }

  #read(path: string): Promise<{ readonly quotas?: readonly unknown[]; readonly next?: string | null }> {
    return new Promise((resolve, reject) => {
      get({ socketPath: this.#socket, path: `/api/v1${path}` }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => resolve(JSON.parse(Buffer.concat(parts).toString())));
      }).on("error", reject);
    });
  }
}

/** In a process of its own, so that reading the reports is not a client's waiting. */
async function pacedLoad(port: number, seconds: number): Promise<PacedFigures> {
  const words = [join(projectRoot, "bench/paced-load.ts"), port, load.connections, load.perSecond, seconds].map(String);
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  for await (const part of child.stdout) text += part;
  return JSON.parse(text) as PacedFigures;
}

async function firstAnswer(port: number): Promise<void> {
  const deadline = Date.now() + startTimeoutMs;
  while (Date.now() < deadline) {
    const options = { port, connections: 1, perSecond: 1_000, seconds: 0.001 };
    const { answered } = await askPaced(options).catch(() => ({ answered: 0 }));
    if (answered > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nothing answers on ${port}`);
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode === null && child.kill("SIGTERM")) await ended;
}

function residentMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "latin1");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
}

function figuresOf({ answered, p50Ms, p99Ms, maxMs }: PacedFigures): string {
  return `${answered} answered, p50 ${p50Ms} ms, p99 ${p99Ms} ms, most ${maxMs} ms`;
}

function print(what: string, value: string): void {
  console.log(`${what.padEnd(52)}  ${value}`);
}

await main(Number(process.argv[2] ?? 10));
