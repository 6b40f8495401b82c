// What makes the blocks that stand at one address equal to those that should.

import { type Block, blockKey, type Firewall } from "../core/firewall.ts";

/** A kernel counts whole seconds, and we read it a moment later. */
const slackMs = 5_000;

/** A firewall that forgets need not take ends that are further away: they come back to it in time. */
const farMs = 7 * 86_400_000;

export interface GrowingChange {
  readonly adds: Block[];
  readonly renewals: Block[];
  readonly deletes: Block[];
}

/** What makes a firewall equal to `wanted`, by address; `standing` has what stands there. */
export function changeTowards(
  wanted: ReadonlyMap<string, readonly Block[]>,
  standing: (address: string) => readonly Block[],
  { forgets, prolongs = false }: Pick<Firewall, "forgets" | "prolongs">,
  now: number,
): GrowingChange {
  const change: GrowingChange = { adds: [], renewals: [], deletes: [] };
  const endMax = forgets ? now + farMs : prolongs ? Number.POSITIVE_INFINITY : undefined;
  for (const [address, blocks] of wanted) compareBlocks(standing(address), blocks, endMax, change);
  return change;
}

/** Adds to `change` what is missing and too much at one address. Later ends than `endMax` are one; without it ends do not matter. */
function compareBlocks(
  standing: readonly Block[],
  wanted: readonly Block[],
  endMax: number | undefined,
  change: GrowingChange,
): void {
  const there = new Map(standing.map((block) => [blockKey(block), block]));
  for (const block of wanted) {
    const known = there.get(blockKey(block));
    there.delete(blockKey(block));
    if (known === undefined) change.adds.push(block);
    else if (endMax !== undefined && !endTogether(known, block, endMax)) change.renewals.push(block);
  }
  change.deletes.push(...there.values());
}

function endTogether(a: Block, b: Block, endMax: number): boolean {
  const end = ({ until }: Block) => Math.min(until ?? Number.MAX_SAFE_INTEGER, endMax);
  return Math.abs(end(a) - end(b)) <= slackMs;
}

/** The later of two ends; undefined is none. */
export function later(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}
