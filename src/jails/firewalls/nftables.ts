// nftables: a table of our own, sets that forget by themselves, one `nft -i` kept open. Blocks stay when the daemon stops.

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Block, CutReport, Firewall, FirewallChange } from "../../core/firewall.ts";
import { NftSession } from "./nft-session.ts";
import {
  baseCommands,
  elementCommands,
  flushCommands,
  listArguments,
  type NftTable,
  readTable,
  repliesCommand,
  setCommands,
  setName,
  structureArguments,
} from "./nft-text.ts";
import { cutConnections } from "./socket-cutter.ts";
import type { Tools } from "./tools.ts";

/** Larger batches go to a process of their own: the session's line editor is slow with long lines. */
const sessionBlocksMax = 200;

/** A hundred thousand addresses take about a second of a quiet core. */
const bulkMs = 60_000;

/** Changes in a row are one. */
const settleMs = 100;

const monitorAgainMs = 5_000;

export class NftablesFirewall implements Firewall {
  readonly name = "nftables";
  readonly forgets = true;
  readonly grain = "ports";
  readonly #tools: Tools;
  readonly #session: NftSession;
  /** Sets that have their rule. */
  #sets = new Set<string>();
  /** Deletions of ours that the monitor has not told of yet. */
  #ownDeletes = 0;
  #monitor: ChildProcessWithoutNullStreams | undefined;
  #listener: (() => void) | undefined;
  #settling: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#session = new NftSession(tools);
  }

  async open(): Promise<void> {
    await this.#session.run(baseCommands);
    const { letsReplies, sets } = readTable(await this.#tools.demand("nft", structureArguments), 0);
    if (!letsReplies) await this.#session.run([repliesCommand]);
    this.#sets = new Set(sets);
  }

  async apply({ adds, renewals, deletes }: FirewallChange, now: number): Promise<readonly Block[]> {
    const all = [...adds, ...renewals, ...deletes];
    if (all.length === 0) return [];
    const fresh = new Map(all.map((block) => [setName(block), block]));
    for (const name of this.#sets) fresh.delete(name);
    const gone = [...renewals, ...deletes];
    const commands = [
      ...[...fresh.values()].flatMap(setCommands),
      // A deletion of what is not there would take the whole batch with it, and an addition does not change the end of what is there.
      ...elementCommands("add", gone, undefined),
      ...elementCommands("delete", gone, undefined),
      ...elementCommands("add", [...adds, ...renewals], { now }),
    ];
    this.#ownDeletes += gone.length;
    if (all.length <= sessionBlocksMax) await this.#session.run(commands);
    else await this.#tools.demand("nft", ["-f", "-"], { stdin: `${commands.join("\n")}\n`, timeoutMs: bulkMs });
    for (const name of fresh.keys()) this.#sets.add(name);
    return [];
  }

  async readBack(now: number): Promise<readonly Block[]> {
    const { stdout, stderr, status } = await this.#tools.run("nft", listArguments, { timeoutMs: bulkMs });
    if (status !== 0 && !/No such file or directory/.test(stderr))
      throw new Error(`nft failed: ${stderr.slice(0, 500)}`);
    const table: NftTable = status === 0 ? readTable(stdout, now) : { sets: new Set(), letsReplies: false, blocks: [] };
    this.#sets = new Set(table.sets);
    if (!table.letsReplies) await this.open();
    return table.blocks;
  }

  cut(blocks: readonly Block[]): Promise<CutReport> {
    return cutConnections(this.#tools, blocks);
  }

  async flush(): Promise<void> {
    this.#sets.clear();
    await this.#session.run(flushCommands);
  }

  onForeignChange(listener: () => void): void {
    this.#listener = listener;
    if (this.#monitor === undefined) this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#settling);
    clearTimeout(this.#again);
    this.#monitor?.kill();
    this.#session[Symbol.dispose]();
  }

  /** What somebody takes away from our table; what he adds beside it is his. */
  #watch(): void {
    const monitor = this.#tools.start("nft", ["monitor", "destroy"]);
    this.#monitor = monitor;
    let rest = "";
    monitor.stdout.on("data", (piece: Buffer) => {
      const lines = (rest + piece.toString()).split("\n");
      rest = (lines.pop() ?? "").slice(-10_000);
      if (lines.some((line) => this.#isForeign(line))) this.#tell();
    });
    monitor.stderr.resume();
    monitor.on("error", () => {});
    monitor.on("close", () => {
      if (this.#closed) return;
      // Whatever happened while nobody watched is found by reading back.
      this.#again = setTimeout(() => {
        this.#watch();
        this.#tell();
      }, monitorAgainMs);
    });
  }

  #isForeign(line: string): boolean {
    if (!/^delete \w+ inet postvarta\b/.test(line)) return false;
    if (!line.startsWith("delete element ")) return true;
    this.#ownDeletes--;
    return this.#ownDeletes < 0;
  }

  #tell(): void {
    this.#ownDeletes = Math.max(0, this.#ownDeletes);
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#listener?.(), settleMs);
  }
}
