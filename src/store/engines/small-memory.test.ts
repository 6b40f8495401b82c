// More cells than memory takes: jobs read what they need, cold cells leave, and no count is lost on the way.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import type { CellView, Store } from "../db.ts";
import { openStore } from "../open.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-small-"));
after(() => rmSync(folder, { recursive: true }));
const clock = new ManualClock();
const end = clock.now() + 3_600_000;
const keys = Array.from({ length: 300 }, (_, i) => `k${String(i).padStart(3, "0")}`);
const open = (path: string, maxCellsInMemory: number) => openStore(`sqlite:${path}`, { clock, maxCellsInMemory });

function add(view: CellView, key: string): number {
  const used = (view.get(key)?.[0] ?? 0) + 1;
  view.put(key, [used], end);
  return used;
}

/** A fixed sequence that looks like chance. */
function* numbers(seed: number): Generator<number> {
  for (let x = seed; ; ) {
    x = (x * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield x >>> 8;
  }
}

async function chargeAtRandom(store: Store, rounds: number, expected: Map<string, number>): Promise<void> {
  const random = numbers(7);
  const pick = () => keys[random.next().value % keys.length] ?? "";
  for (let round = 0; round < rounds; round++) {
    const jobs = Array.from({ length: 20 }, () => {
      const chosen = [...new Set([pick(), pick()])];
      for (const key of chosen) expected.set(key, (expected.get(key) ?? 0) + 1);
      return store.cells.charge(chosen, (view) => chosen.map((key) => add(view, key)));
    });
    const charged = await Promise.all(jobs);
    assert.ok(charged.every((one) => one.recorded));
    // Folding waits for a quiet moment, and only folded cells may leave.
    if (round % 25 === 24) await store.cells.openMessages();
  }
}

test("counts stay exact while cells come and go", async () => {
  const path = join(folder, "counts.db");
  const expected = new Map<string, number>();
  {
    await using store = await open(path, 40);
    await chargeAtRandom(store, 150, expected);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await chargeAtRandom(store, 150, expected);
    for (const key of keys) assert.deepEqual(await store.cells.peek(key), [expected.get(key)], key);
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (let i = 0; i < 300; i++) await store.cells.charge([keys[0] ?? ""], () => undefined);
    assert.ok(store.cells.health.liveCells < keys.length, `${store.cells.health.liveCells} cells in memory`);
    const listed = [
      ...(await store.cells.list({ prefix: "k", limit: 200 })),
      ...(await store.cells.list({ prefix: "k", after: keys[199] ?? "", limit: 200 })),
    ];
    assert.deepEqual(
      listed.map((entry) => [entry.key, entry.state[0]]),
      keys.map((key) => [key, expected.get(key)]),
    );
  }
  await using again = await open(path, 1_000);
  for (const key of keys) assert.deepEqual(await again.cells.peek(key), [expected.get(key)], key);
});

test("a store with more cells than memory opens with some of them and knows the others", async () => {
  const path = join(folder, "open.db");
  {
    await using store = await open(path, 1_000);
    await store.cells.charge(keys, (view) => keys.map((key) => add(view, key)));
  }
  await using store = await open(path, 40);
  assert.equal(store.cells.health.liveCells, 40);
  const charged = await Promise.all(keys.map((key) => store.cells.charge([key], (view) => add(view, key))));
  assert.deepEqual(new Set(charged.map((one) => one.result)), new Set([2]));
  assert.equal((await store.cells.charge(["fresh"], (view) => add(view, "fresh"))).result, 1);
});

test("cells come back after a start whatever their keys hold", async () => {
  const path = join(folder, "odd.db");
  const odd = ["a\x1fb", "a\0b", "a\x7fж", "plain"];
  {
    await using store = await open(path, 1_000);
    await store.cells.charge([...odd, ...keys], (view) => [...odd, ...keys].map((key) => add(view, key)));
    await store.cells.openMessages();
    await store.cells.flush();
  }
  await using store = await open(path, 1_000);
  assert.equal(store.cells.health.liveCells, odd.length + keys.length);
  for (const key of odd) assert.deepEqual(await store.cells.peek(key), [1], JSON.stringify(key));
  await store.cells.charge(odd, (view) => odd.map((key) => add(view, key)));
  for (const key of odd) assert.deepEqual(await store.cells.peek(key), [2], JSON.stringify(key));
});
