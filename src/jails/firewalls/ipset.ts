// ipset and iptables, for hosts that have no nftables of their own: sets of networks that forget by themselves, filled in batches by
// `ipset restore`, and a chain of ours that asks them. Blocks stay when the daemon stops.

import type { Block, CutReport, Firewall, FirewallChange } from "../../core/firewall.ts";
import {
  chainText,
  createLines,
  elementLines,
  emptyLooseText,
  emptyText,
  type Family,
  familyOf,
  isOurs,
  kindOf,
  listRulesArguments,
  type Rules,
  readCounts,
  readElements,
  readRules,
  restoreArguments,
  type SetKind,
  setName,
} from "./ipset-text.ts";
import { cutConnections } from "./socket-cutter.ts";
import type { Tools } from "./tools.ts";

/** A hundred thousand addresses take about a second of a quiet core. */
const bulkMs = 60_000;

/** Nobody tells of changes, so we look; a glance is three small processes. */
const glanceMs = 15_000;

const families: readonly Family[] = [4, 6];
const programs = { 4: "iptables", 6: "ip6tables" } as const;

/** What a machine without IPv6 says. */
const noFamily = /can't initialize|not supported|does not exist/i;

/** Nothing is missing where there is no such family. */
const noRules: Rules = { hasJump: false, hasChain: false, isWhole: true, sets: new Map() };

export class IpsetFirewall implements Firewall {
  readonly name = "ipset";
  readonly forgets = true;
  readonly grain = "ports";
  readonly #tools: Tools;
  readonly #glanceMs: number;
  /** Sets that have their rule, and how many blocks they should hold at most. */
  #sets = new Map<string, SetKind>();
  readonly #held = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tools: Tools, options: { readonly glanceMs?: number } = {}) {
    this.#tools = tools;
    this.#glanceMs = options.glanceMs ?? glanceMs;
  }

  async open(): Promise<void> {
    await this.#look();
    await this.#complete(new Map());
  }

  async apply({ adds, renewals, deletes }: FirewallChange, now: number): Promise<readonly Block[]> {
    const more = [...adds, ...renewals];
    if (more.length + deletes.length === 0) return [];
    const fresh = new Map(more.map((block) => [setName(kindOf(block)), kindOf(block)]));
    for (const name of this.#sets.keys()) fresh.delete(name);
    if (fresh.size > 0) await this.#complete(fresh);
    const gone = deletes.filter((block) => this.#sets.has(setName(kindOf(block))));
    // `-exist`: an address that stands takes the other end, and one that is gone is no mistake.
    await this.#restore([...elementLines("del", gone), ...elementLines("add", more, { now })]);
    this.#count(adds, 1);
    this.#count(gone, -1);
    return [];
  }

  async readBack(now: number): Promise<readonly Block[]> {
    const isWhole = await this.#look();
    if (!isWhole) {
      await this.#complete(new Map());
      return [];
    }
    const blocks: Block[] = [];
    for (const [name, kind] of this.#sets) {
      const text = await this.#tools.demand("ipset", ["save", name], { timeoutMs: bulkMs });
      if (!text.startsWith(`create ${name} `)) throw new Error(`ipset does not list ${name}`);
      const own = readElements(text, kind, now);
      this.#held.set(name, own.length);
      for (const block of own) blocks.push(block);
    }
    return blocks;
  }

  cut(blocks: readonly Block[]): Promise<CutReport> {
    return cutConnections(this.#tools, blocks);
  }

  async flush(): Promise<void> {
    for (const family of families) {
      const rules = await this.#rules(family);
      if (rules.hasChain) await this.#restoreRules(family, rules.hasJump ? emptyText : emptyLooseText);
    }
    this.#sets.clear();
    this.#held.clear();
    for (const name of await this.#names()) await this.#tools.demand("ipset", ["destroy", name]);
  }

  onForeignChange(listener: () => void): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#glance(listener), this.#glanceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Learns which sets have their rule; false when a chain of ours is not asked any more: then nothing holds. */
  async #look(): Promise<boolean> {
    const read = await Promise.all(families.map((family) => this.#rules(family)));
    const whole = read.filter((rules) => rules.isWhole);
    this.#sets = new Map(whole.flatMap(({ sets }) => [...sets]));
    for (const name of this.#held.keys()) if (!this.#sets.has(name)) this.#held.delete(name);
    return whole.length === read.length;
  }

  /** Makes the chains ask all sets, with these besides. What a set held while no rule asked it is forgotten: nobody kept it true. */
  async #complete(fresh: ReadonlyMap<string, SetKind>): Promise<void> {
    await this.#restore([...createLines(fresh.keys()), ...[...fresh.keys()].map((name) => `flush ${name}`)]);
    const all = new Map([...this.#sets, ...fresh]);
    for (const family of families) {
      const own = new Map([...all].filter(([name]) => familyOf(name) === family));
      const rules = await this.#rules(family);
      if (rules.isWhole && [...own.keys()].every((name) => rules.sets.has(name))) continue;
      await this.#restoreRules(family, chainText(own, rules.hasJump));
      const made = await this.#rules(family);
      const isMade = made.isWhole && [...own.keys()].every((name) => made.sets.has(name));
      if (!isMade) throw new Error(`${programs[family]}-restore did not make the rules that it was given`);
    }
    this.#sets = all;
  }

  async #rules(family: Family): Promise<Rules> {
    const { status, stdout, stderr } = await this.#tools.run(programs[family], listRulesArguments);
    if (status === 0 && stdout.startsWith("-P ")) return readRules(stdout, family);
    if (status === 0) throw new Error(`${programs[family]} lists no rules`);
    if (family === 6 && noFamily.test(stderr)) return noRules;
    throw new Error(`${programs[family]} failed: ${(stderr.trim() || `exit ${status}`).slice(0, 500)}`);
  }

  async #restore(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const stdin = `${lines.join("\n")}\n`;
    const said = await this.#tools.demand("ipset", ["restore", "-exist"], { stdin, timeoutMs: bulkMs });
    if (said !== "") throw new Error(`ipset says ${JSON.stringify(said.slice(0, 100))}`);
  }

  async #restoreRules(family: Family, stdin: string): Promise<void> {
    await this.#tools.demand(`${programs[family]}-restore`, restoreArguments, { stdin });
  }

  async #names(): Promise<readonly string[]> {
    return (await this.#tools.demand("ipset", ["list", "-name"])).split("\n").filter(isOurs);
  }

  #count(blocks: readonly Block[], step: number): void {
    for (const [name, own] of Map.groupBy(blocks, (block) => setName(kindOf(block)))) {
      this.#held.set(name, Math.max(0, (this.#held.get(name) ?? 0) + step * own.length));
    }
  }

  /** Blocks leave by themselves, one after the other; when half of them are gone at a glance somebody emptied the set. */
  async #glance(listener: () => void): Promise<void> {
    try {
      const known = new Map(this.#sets);
      const rules = await Promise.all(families.map((family) => this.#rules(family)));
      const asked = new Set(rules.filter(({ isWhole }) => isWhole).flatMap(({ sets }) => [...sets.keys()]));
      const counts = readCounts(await this.#tools.demand("ipset", ["list", "-terse"]));
      const isLess = (name: string) => (counts.get(name) ?? 0) < (this.#held.get(name) ?? 0) / 2;
      if ([...known.keys()].some((name) => !asked.has(name) || isLess(name))) listener();
    } catch {
      // A tool that fails is told by whoever needs it next: a look finds that out.
      listener();
    }
  }
}
