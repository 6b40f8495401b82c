// The firewall that changes nothing: it remembers what it was told, says so in the log, and has the faults that a test gives it.

import { type Block, blockKey, type CutReport, type Firewall, type FirewallChange } from "../../core/firewall.ts";
import { printNetwork } from "../../core/ip.ts";
import type { Log } from "../../core/log.ts";

/** More blocks of one change are told as a number. */
const toldMax = 20;

export class DryRunFirewall implements Firewall {
  readonly name = "dry-run";
  readonly forgets = false;
  readonly grain = "ports";
  readonly #log: Log;
  readonly #blocks = new Map<string, Block>();

  constructor(log: Log) {
    this.#log = log;
  }

  async open(): Promise<void> {}

  async apply({ adds, renewals, deletes }: FirewallChange): Promise<readonly Block[]> {
    for (const block of deletes) this.#blocks.delete(blockKey(block));
    for (const block of [...adds, ...renewals]) this.#blocks.set(blockKey(block), block);
    this.#tell("would_ban", adds);
    this.#tell("would_unban", deletes);
    return [];
  }

  async readBack(): Promise<readonly Block[]> {
    return [...this.#blocks.values()];
  }

  async cut(): Promise<CutReport> {
    return { cut: 0, left: 0 };
  }

  async flush(): Promise<void> {
    this.#blocks.clear();
  }

  onForeignChange(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #tell(event: string, blocks: readonly Block[]): void {
    for (const { address } of blocks.slice(0, toldMax))
      this.#log.info(`firewall.${event}`, { address: printNetwork(address) });
    if (blocks.length > toldMax) this.#log.info(`firewall.${event}`, { more: blocks.length - toldMax });
  }
}
