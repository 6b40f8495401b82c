// pf of FreeBSD: one table of addresses that a rule of pf.conf asks, or that an anchor of ours asks. pf forgets nothing by itself:
// what is over is taken away by the daemon, and blocks stay while it restarts. A table knows no ports: a ban closes everything.

import type { Block, CutReport, Firewall, FirewallChange } from "../../core/firewall.ts";
import { contains, printNetwork } from "../../core/ip.ts";
import type { Log } from "../../core/log.ts";
import { lookUntilGone } from "../../core/look-until-gone.ts";
import { messageOf } from "../../core/problem.ts";
import { writeListFile } from "../list-file.ts";
import { anchorIn, anchorRules, asksTable, type Connection, isEnabled, readConnections, readTable } from "./pf-text.ts";
import type { Tools } from "./tools.ts";

export interface PfOptions {
  readonly tools: Tools;
  readonly log: Log;
  readonly table: string;
  /** A file that holds what the table holds, one address a line; empty for none. */
  readonly listFile: string;
  readonly glanceMs?: number;
}

/** Addresses as arguments of one call; more are handed over whole, by `-T replace`. */
const argumentsMax = 100;

const bulkMs = 60_000;

/** Nobody tells of changes, so we look. */
const glanceMsDefault = 20_000;

const listMs = 300;

/** Blocks whose states are ended one by one: a process each. */
const statesMax = 200;

/** Ports from here on are given to connections that go out (ip(4), net.inet.ip.portrange.first). */
const outgoingPortMin = 10_000;

export class PfFirewall implements Firewall {
  readonly name = "pf";
  readonly forgets = false;
  readonly grain = "address";
  readonly #options: PfOptions;
  /** `-a ANCHOR` where the table stands in ours. */
  #place: readonly string[] = [];
  #held = new Map<string, Block>();
  #timer: NodeJS.Timeout | undefined;
  #list: NodeJS.Timeout | undefined;

  constructor(options: PfOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { tools, table } = this.#options;
    if (!isEnabled(await tools.demand("pfctl", ["-s", "info"]))) throw new Error("pf is not enabled: pfctl -e");
    if (await this.#isAsked()) return;
    const anchor = anchorIn(await tools.demand("pfctl", ["-s", "rules"]));
    if (anchor === undefined) {
      const mend = `add 'anchor "postvarta"' or 'block in quick from <${table}>' to pf.conf`;
      throw new Error(`no rule of pf asks the table <${table}>: ${mend}`);
    }
    this.#place = ["-a", anchor];
    await tools.demand("pfctl", [...this.#place, "-f", "-"], { stdin: anchorRules(table) });
  }

  async apply({ adds, renewals, deletes }: FirewallChange): Promise<readonly Block[]> {
    const more = [...adds, ...renewals];
    if (more.length + deletes.length === 0) return [];
    if (more.length + deletes.length > argumentsMax) await this.#replace(more, deletes);
    else {
      if (more.length > 0) await this.#table("add", ...more.map(textOf));
      if (deletes.length > 0) await this.#tolerate(this.#table("delete", ...deletes.map(textOf)));
    }
    for (const block of deletes) this.#held.delete(textOf(block));
    for (const block of more) this.#held.set(textOf(block), block);
    this.#listSoon();
    return [];
  }

  async readBack(): Promise<readonly Block[]> {
    if (!(await this.#isAsked())) await this.open();
    this.#held = new Map(
      (await this.#show()).map((address) => {
        const block = this.#held.get(printNetwork(address)) ?? { address, until: undefined, ports: undefined };
        return [printNetwork(address), block];
      }),
    );
    this.#listSoon();
    return [...this.#held.values()];
  }

  /** Ends the states, so that no packet passes, and the connections, so that no process waits for one. */
  async cut(blocks: readonly Block[]): Promise<CutReport> {
    const { tools } = this.#options;
    const before = await this.#connections(blocks);
    for (const block of blocks.slice(0, statesMax)) await tools.demand("pfctl", ["-k", textOf(block)]);
    // One that has ended by itself meanwhile is no mistake; what is left is looked for.
    for (const { words } of before) await tools.run("tcpdrop", words);
    const after = before.length === 0 ? before : await lookUntilGone(() => this.#connections(blocks));
    return { cut: Math.max(0, before.length - after.length), left: after.length };
  }

  async flush(): Promise<void> {
    const { tools } = this.#options;
    if (this.#place.length === 0) await this.#tolerate(this.#table("flush"));
    else for (const what of ["rules", "Tables"]) await tools.demand("pfctl", [...this.#place, "-F", what]);
    this.#held.clear();
    this.#listSoon();
  }

  onForeignChange(listener: () => void): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#glance(listener), this.#options.glanceMs ?? glanceMsDefault);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (this.#list === undefined) return;
    clearTimeout(this.#list);
    await this.#writeList();
  }

  /** Whether a rule asks the table, and where it stands: in the main rules or in an anchor. */
  async #isAsked(): Promise<boolean> {
    const { tools, table } = this.#options;
    const main = await tools.demand("pfctl", ["-s", "rules"]);
    if (asksTable(main, table)) {
      this.#place = [];
      return true;
    }
    const anchor = anchorIn(main);
    if (anchor === undefined) return false;
    const { status, stdout } = await tools.run("pfctl", ["-a", anchor, "-s", "rules"]);
    if (status !== 0 || !asksTable(stdout, table)) return false;
    this.#place = ["-a", anchor];
    return true;
  }

  async #table(command: string, ...words: readonly string[]): Promise<string> {
    const args = [...this.#place, "-t", this.#options.table, "-T", command, ...words];
    return this.#options.tools.demand("pfctl", args, { timeoutMs: bulkMs });
  }

  /** A table that is not there holds nothing. */
  async #tolerate(work: Promise<string>): Promise<string> {
    return work.catch((error: unknown) => {
      if (/table does not exist/i.test(String(error))) return "";
      throw error;
    });
  }

  async #show() {
    return readTable(await this.#tolerate(this.#table("show")));
  }

  /** The whole table in one step. */
  async #replace(more: readonly Block[], deletes: readonly Block[]): Promise<void> {
    const { tools, table } = this.#options;
    const all = new Set((await this.#show()).map(printNetwork));
    for (const block of deletes) all.delete(textOf(block));
    for (const block of more) all.add(textOf(block));
    const stdin = [...all].map((address) => `${address}\n`).join("");
    const args = [...this.#place, "-t", table, "-T", "replace", "-f", "-"];
    await tools.demand("pfctl", args, { stdin, timeoutMs: bulkMs });
  }

  /** Connections that came to us. */
  async #connections(blocks: readonly Block[]): Promise<readonly Connection[]> {
    const all = readConnections(await this.#options.tools.demand("tcpdrop", ["-l", "-a"]));
    return all.filter(
      ({ peer, localPort }) => localPort < outgoingPortMin && blocks.some(({ address }) => contains(address, peer)),
    );
  }

  /** Changes in a row are one. */
  #listSoon(): void {
    if (this.#options.listFile !== "") this.#list ??= setTimeout(() => void this.#writeList(), listMs);
  }

  async #writeList(): Promise<void> {
    const { listFile, log } = this.#options;
    this.#list = undefined;
    try {
      await writeListFile(listFile, [...this.#held.keys()].sort());
    } catch (error) {
      log.warn("firewall.list-file", { path: listFile, error: messageOf(error) });
    }
  }

  async #glance(listener: () => void): Promise<void> {
    try {
      const expected = [...this.#held.keys()];
      const isAsked = await this.#isAsked();
      const standing = new Set((await this.#show()).map(printNetwork));
      if (!isAsked || expected.some((address) => this.#held.has(address) && !standing.has(address))) listener();
    } catch {
      // A tool that fails is told by whoever needs it next: a look finds that out.
      listener();
    }
  }
}

const textOf = ({ address }: Block): string => printNetwork(address);
