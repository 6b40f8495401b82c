// What the store costs: charges a second with lock-step callers, the wait for the disk, memory and start with 100 000 cells.
// node bench/store.ts [seconds] [--postgres]: on SQLite, or on a private PostgreSQL that the tests' rig starts.
// Absolute figures hold for one machine only, so the disk's own fsync stands beside them.

import { spawnSync } from "node:child_process";
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { steadyClock } from "../src/core/clock.ts";
import type { CellView, Store } from "../src/store/db.ts";
import { openStore } from "../src/store/open.ts";
import { PostgresRig } from "../tests/postgres-rig.ts";

const callers = 50;
const accounts = 20_000;
const liveCells = 100_000;
const day = 86_400_000;

interface Row {
  readonly what: string;
  readonly value: string;
}

async function main(seconds: number, onPostgres: boolean): Promise<void> {
  await using rig = onPostgres ? await PostgresRig.start() : undefined;
  const folder = mkdtempSync(join(tmpdir(), "postvarta-bench-"));
  const rows: Row[] = [];
  try {
    const fsync = measureFsync(join(folder, "fsync"));
    rows.push({ what: "fdatasync of 8 kB, p50 / p99", value: `${ms(fsync, 0.5)} / ${ms(fsync, 0.99)} ms` });
    rows.push(
      ...(await measureCharges((await rig?.createDatabase()) ?? `sqlite:${join(folder, "charges.db")}`, seconds)),
    );
    rows.push(...(await measureLiveCells((await rig?.createDatabase()) ?? `sqlite:${join(folder, "cells.db")}`)));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const width = Math.max(...rows.map((row) => row.what.length));
  for (const row of rows) console.log(`${row.what.padEnd(width)}  ${row.value}`);
}

function measureFsync(path: string): number[] {
  const file = openSync(path, "w");
  const block = Buffer.alloc(8_192, 1);
  const waits = Array.from({ length: 500 }, () => {
    const from = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - from;
  });
  closeSync(file);
  return waits;
}

/** Each caller charges two cells and an open message, waits, and goes on: what one question costs. */
async function measureCharges(url: string, seconds: number): Promise<Row[]> {
  await using store = await open(url);
  const waits: number[] = [];
  let unrecorded = 0;
  const run = async (caller: number, until: number, seen: number[]) => {
    for (let i = caller; performance.now() < until; i += 7_919) {
      const from = performance.now();
      const { recorded } = await charge(store, i % accounts, `caller-${caller}`);
      if (!recorded) unrecorded++;
      seen.push(performance.now() - from);
    }
  };
  const together = async (length: number, seen: number[]) => {
    const until = performance.now() + length * 1_000;
    await Promise.all(Array.from({ length: callers }, (_, caller) => run(caller, until, seen)));
  };
  await together(1, []);
  const used = process.cpuUsage();
  const from = performance.now();
  await together(seconds, waits);
  const took = (performance.now() - from) / 1_000;
  const cpu = process.cpuUsage(used);
  return [
    {
      what: `charges/s, ${callers} callers, ${accounts} accounts, 2 cells and a message each`,
      value: (waits.length / took).toFixed(0),
    },
    {
      what: "wait for the disk, p50 / p99 / max",
      value: `${ms(waits, 0.5)} / ${ms(waits, 0.99)} / ${ms(waits, 1)} ms`,
    },
    {
      what: "CPU of all threads for 1 000 charges",
      value: `${((cpu.user + cpu.system) / 1_000 / (waits.length / 1_000)).toFixed(1)} ms`,
    },
    { what: "answers left unrecorded", value: String(unrecorded) },
    { what: "main thread alone, without waiting", value: `${await measureMainThread(store)} charges/s` },
    { what: "size of the store afterwards", value: `${((await store.sizeBytes()) / 1e6).toFixed(1)} MB` },
  ];
}

/** All calls of one turn at a time: how fast the main thread could go. */
async function measureMainThread(store: Store): Promise<number> {
  const count = 20_000;
  let spent = 0;
  for (let round = 0; round < 5; round++) {
    const from = performance.now();
    const waiting = Array.from({ length: count / 5 }, (_, i) =>
      charge(store, (i * 7_919) % accounts, `main-${i % 50}`),
    );
    spent += performance.now() - from;
    await Promise.all(waiting);
  }
  return Math.round(count / (spent / 1_000));
}

function charge(store: Store, account: number, caller: string) {
  const keys = [
    `policy/hour/recipients/3600000/sliding/SASLUsername:user${account}@example.com`,
    `policy/day/messages/86400000/sliding/SASLUsername:user${account}@example.com`,
  ];
  return store.cells.charge(keys, (view) => {
    const now = Date.now();
    for (const key of keys) putStamp(view, key, now);
    view.saveMessage({
      id: caller,
      openedAt: now,
      body: `{"recipients":["someone-${account}@example.net"],"cells":[0,1]}`,
    });
    return true;
  });
}

function putStamp(view: CellView, key: string, now: number): void {
  const state = view.get(key) ?? [1];
  view.put(key, state.length > 12 ? [1, ...state.slice(2), now] : [...state, now], now + day);
}

/** In a process of its own, as after a restart. */
async function measureLiveCells(url: string): Promise<Row[]> {
  await fillStore(url);
  const child = spawnSync(process.execPath, [import.meta.filename, "--start", url], { encoding: "utf8" });
  const { startMs, rssMB, cells } = JSON.parse(child.stdout) as StartFigures;
  return [
    { what: `start with ${cells} cells to the first recorded charge`, value: `${startMs} ms` },
    { what: "RSS of that process, checkout with TypeScript read at start", value: `${rssMB} MB` },
  ];
}

async function fillStore(url: string): Promise<void> {
  await using store = await open(url);
  for (let i = 0; i < liveCells; i += 1_000) {
    const turn = Array.from({ length: 1_000 }, (_, n) => `cell-of-a-usual-length/hour/recipients/${i + n}`);
    await Promise.all(turn.map((key) => store.cells.charge([key], (view) => putFull(view, key))));
  }
}

interface StartFigures {
  readonly startMs: number;
  readonly rssMB: number;
  readonly cells: number;
}

/** The child: from the call to the first recorded charge, then memory once things are quiet. */
async function startOnce(url: string): Promise<void> {
  const from = performance.now();
  await using store = await open(url);
  await charge(store, 1, "first");
  const startMs = Math.round(performance.now() - from);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const figures: StartFigures = {
    startMs,
    rssMB: Math.round(process.memoryUsage().rss / 1e6),
    cells: store.cells.health.liveCells,
  };
  console.log(JSON.stringify(figures));
}

function putFull(view: CellView, key: string): void {
  const now = Date.now();
  view.put(key, [1, ...Array.from({ length: 12 }, (_, n) => now + n * 1_000)], now + day);
}

function open(url: string): Promise<Store> {
  return openStore(url, { clock: steadyClock() });
}

function ms(values: number[], share: number): string {
  values.sort((a, b) => a - b);
  return (values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0).toFixed(2);
}

const [first, second] = process.argv.slice(2).filter((word) => word !== "--postgres");
if (first === "--start" && second !== undefined) await startOnce(second);
else await main(Number(first ?? 5), process.argv.includes("--postgres"));
