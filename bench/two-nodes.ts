// Two nodes on one PostgreSQL that fight for the same counter: the wait of a charge, p50 and p99, and how many a second.
// node bench/two-nodes.ts [seconds] [--bound MS]: exits 1 when p99 is over the bound (default 300 ms, what a question may wait
// for the store and a little). PostgreSQL is a private one that the tests' rig starts. Figures hold for one machine only.

import { sliding } from "../src/core/algorithms/sliding.ts";
import type { CellLimit } from "../src/core/cell.ts";
import { steadyClock } from "../src/core/clock.ts";
import type { CellView, Store } from "../src/store/db.ts";
import { openStore } from "../src/store/open.ts";
import { PostgresRig } from "../tests/postgres-rig.ts";

const boundMs = 300;
const limit: CellLimit = { algorithm: "sliding", max: 1_000_000_000, periodMs: 3_600_000 };

interface Load {
  readonly clients: number;
  readonly nodes: number;
  readonly waits: readonly number[];
  readonly unrecorded: number;
}

async function main(seconds: number, bound: number): Promise<boolean> {
  await using rig = await PostgresRig.start();
  console.log("nodes  clients  charges/s  p50 ms  p99 ms  max ms  left from memory");
  let worst = 0;
  for (const nodes of [1, 2]) {
    for (const clients of [10, 100]) {
      const load = await measure(await rig.createDatabase(), { nodes, clients, seconds });
      worst = Math.max(worst, percentile(load.waits, 0.99));
      print(load, seconds);
    }
  }
  console.log(`worst p99 ${worst.toFixed(1)} ms, bound ${bound} ms`);
  return worst <= bound;
}

async function measure(
  url: string,
  { nodes, clients, seconds }: { readonly nodes: number; readonly clients: number; readonly seconds: number },
): Promise<Load> {
  await using opened = new AsyncDisposableStack();
  const stores: Store[] = [];
  for (let i = 0; i < nodes; i++)
    stores.push(opened.use(await openStore(url, { clock: steadyClock(), node: `node${i}` })));
  const until = performance.now() + seconds * 1_000;
  const waits: number[] = [];
  let unrecorded = 0;
  const client = async (store: Store) => {
    while (performance.now() < until) {
      const from = performance.now();
      const { recorded } = await store.cells.charge(["hot"], charge);
      waits.push(performance.now() - from);
      if (!recorded) unrecorded++;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => client(stores[i % nodes] as Store)));
  waits.sort((a, b) => a - b);
  return { clients, nodes, waits, unrecorded };
}

function charge(view: CellView): void {
  const { state } = sliding.admit(view.get("hot"), limit, { at: view.now, amount: 1 });
  if (state !== undefined) view.put("hot", state, sliding.expiresAt(state, limit));
}

function print({ nodes, clients, waits, unrecorded }: Load, seconds: number): void {
  const columns = [
    [String(nodes), 5],
    [String(clients), 7],
    [(waits.length / seconds).toFixed(0), 9],
    [percentile(waits, 0.5).toFixed(1), 6],
    [percentile(waits, 0.99).toFixed(1), 6],
    [(waits.at(-1) ?? 0).toFixed(1), 6],
    [String(unrecorded), 16],
  ] as const;
  console.log(columns.map(([text, width]) => text.padStart(width)).join("  "));
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const words = process.argv.slice(2);
const at = words.indexOf("--bound");
const bound = at < 0 ? boundMs : Number(words[at + 1]);
const seconds = at === 0 || words[0] === undefined ? 5 : Number(words[0]);
if (!(seconds > 0) || !(bound > 0)) {
  console.error("usage: node bench/two-nodes.ts [seconds] [--bound MS]");
  process.exitCode = 2;
} else if (!(await main(seconds, bound))) process.exitCode = 1;
