import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, batchesOf, blockKey } from "./firewall.ts";
import { parseNetwork } from "./ip.ts";

function blocks(from: number, count: number): Block[] {
  return Array.from({ length: count }, (_, i) => {
    const address = parseNetwork(`192.0.2.${from + i}`);
    assert.ok(address);
    return { address, until: undefined, ports: undefined };
  });
}

const change = { adds: blocks(0, 5), renewals: blocks(10, 1), deletes: blocks(20, 3), restored: true };
const sizes = (max: number) =>
  [...batchesOf(change, max)].map(({ adds, renewals, deletes }) => [adds.length, renewals.length, deletes.length]);

test("a change that fits is one batch; a larger one is cut, deletions first, and every block is in it once", () => {
  assert.deepEqual(sizes(9), [[5, 1, 3]]);
  assert.deepEqual(sizes(2), [
    [0, 0, 2],
    [0, 0, 1],
    [0, 1, 0],
    [2, 0, 0],
    [2, 0, 0],
    [1, 0, 0],
  ]);
  const all = [...batchesOf(change, 2)];
  assert.ok(all.every(({ restored }) => restored));
  assert.deepEqual(all.flatMap(({ adds }) => adds).map(blockKey), change.adds.map(blockKey));
});
