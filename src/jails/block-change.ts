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

/** What stands at an address after a change of which keys were refused: `wanted` itself where none of its own was. */
export function heldBlocks(before: readonly Block[], wanted: Block[], refused: ReadonlySet<string>): Block[] {
  if (refused.size === 0) return wanted;
  const left = new Map(before.map((block) => [blockKey(block), block]));
  const taken = wanted.filter((block) => left.delete(blockKey(block)) || !refused.has(blockKey(block)));
  const kept = [...left].filter(([key]) => refused.has(key)).map(([, block]) => block);
  return taken.length === wanted.length && kept.length === 0 ? wanted : [...taken, ...kept];
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
