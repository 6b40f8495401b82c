// What makes the blocks that stand at one address equal to those that should.

import { type Block, blockKey } from "../core/firewall.ts";

/** A kernel counts whole seconds, and we read it a moment later. */
const slackMs = 5_000;

/** Adds to `change` what makes `standing` equal to `wanted`, all of one address. Ends matter to a firewall that forgets, at `forgetsFrom`. */
export function compareBlocks(
  standing: readonly Block[],
  wanted: readonly Block[],
  forgetsFrom: number | undefined,
  change: { readonly adds: Block[]; readonly renewals: Block[]; readonly deletes: Block[] },
): void {
  const there = new Map(standing.map((block) => [blockKey(block), block]));
  for (const block of wanted) {
    const known = there.get(blockKey(block));
    there.delete(blockKey(block));
    if (known === undefined) change.adds.push(block);
    else if (forgetsFrom !== undefined && !endTogether(known, block, forgetsFrom)) change.renewals.push(block);
  }
  change.deletes.push(...there.values());
}

/** A firewall need not take ends that are further away: they come back to it in time. */
const farMs = 7 * 86_400_000;

function endTogether(a: Block, b: Block, now: number): boolean {
  const end = ({ until }: Block) => Math.min(until ?? Number.MAX_SAFE_INTEGER, now + farMs);
  return Math.abs(end(a) - end(b)) <= slackMs;
}

/** The later of two ends; undefined is none. */
export function later(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}

export function push(map: Map<string, Block[]>, key: string, block: Block): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [block]);
  else known.push(block);
}
