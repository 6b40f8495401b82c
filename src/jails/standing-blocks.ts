// What the firewall holds as far as we know, address by address, beside how much the rows want there.

import { type Block, blockKey } from "../core/firewall.ts";
import { printNetwork } from "../core/ip.ts";

export class StandingBlocks {
  /** By printed address. */
  readonly #blocks = new Map<string, readonly Block[]>();
  /** How many blocks are wanted at addresses where that is not what stands. */
  readonly #lacking = new Map<string, number>();
  #wanted = 0;

  at(address: string): readonly Block[] {
    return this.#blocks.get(address) ?? [];
  }

  /** Blocks that the rows want. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Blocks that are known to hold at `now`. */
  countHeld(now: number): number {
    let count = 0;
    for (const blocks of this.#blocks.values()) for (const block of blocks) if (isHeld(block, now)) count++;
    return count;
  }

  holds(block: Block, now: number): boolean {
    const key = blockKey(block);
    return this.at(printNetwork(block.address)).some((one) => blockKey(one) === key && isHeld(one, now));
  }

  /** Begins anew from what was read, and what is wanted of it by address. */
  replace(read: ReadonlyMap<string, readonly Block[]>, wanted: ReadonlyMap<string, readonly Block[]>): void {
    this.clear();
    for (const [address, blocks] of read) this.#blocks.set(address, blocks);
    for (const [address, { length }] of wanted) {
      this.#lacking.set(address, length);
      this.#wanted += length;
    }
  }

  /** What the rows want goes on being wanted: nobody knows what stands. */
  forget(): void {
    for (const [address, blocks] of this.#blocks) {
      if (!this.#lacking.has(address)) this.#lacking.set(address, blocks.length);
    }
    this.#blocks.clear();
  }

  clear(): void {
    this.#blocks.clear();
    this.#lacking.clear();
    this.#wanted = 0;
  }

  /** It stands no more, and is wanted still. */
  lose(block: Block): void {
    const address = printNetwork(block.address);
    const before = this.at(address);
    const left = before.filter((one) => blockKey(one) !== blockKey(block));
    if (left.length === before.length) return;
    if (!this.#lacking.has(address)) this.#lacking.set(address, before.length);
    if (left.length === 0) this.#blocks.delete(address);
    else this.#blocks.set(address, left);
  }

  /** Notes what stands at an address after a change towards `wanted`; of what was refused what stood before stands. */
  note(address: string, wanted: readonly Block[], refused: ReadonlyMap<string, Block>): void {
    const before = this.at(address);
    this.#wanted += wanted.length - (this.#lacking.get(address) ?? before.length);
    const isRefused = (block: Block) => refused.has(blockKey(block));
    const held = [...wanted.filter((block) => !isRefused(block)), ...before.filter(isRefused)];
    if (held.length === 0) this.#blocks.delete(address);
    else this.#blocks.set(address, held);
    if (held.some(isRefused) || held.length !== wanted.length) this.#lacking.set(address, wanted.length);
    else this.#lacking.delete(address);
  }
}

/** One that should have ended stands by mistake, or not at all. */
function isHeld({ until }: Block, now: number): boolean {
  return until === undefined || until > now;
}
