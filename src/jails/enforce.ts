// Makes the firewall equal to the rows: at the start, on every change, and when what is read back differs. Safe to repeat and to stop
// half way. A firewall that fails is tried again and again, and stops nothing else.

import { type Ban, isStanding, type TrustCheck } from "../core/ban.ts";
import type { Clock } from "../core/clock.ts";
import { type Block, blockKey, type Firewall, type FirewallChange } from "../core/firewall.ts";
import { printNetwork } from "../core/ip.ts";
import type { Log } from "../core/log.ts";
import { printPorts } from "../core/port-list.ts";
import { lastBanChange, readAllBans, readBanChanges } from "../store/ban-list.ts";
import { expireBans } from "../store/bans.ts";
import type { Store } from "../store/db.ts";
import { BanBook } from "./ban-book.ts";
import { writeListFile } from "./list-file.ts";

export interface EnforcerOptions {
  readonly store: Store;
  readonly firewall: Firewall;
  readonly trust: TrustCheck;
  readonly clock: Clock;
  readonly log: Log;
  /** Empty for none. */
  readonly listFile: string;
}

const readBackMs = 300_000;
const retryMsMin = 1_000;
const retryMsMax = 60_000;
const listFileMs = 1_000;

/** Blocks of one batch: others wait behind it. */
const batchMax = 50_000;

/** More blocks of one change are banned without a look at their connections: a start after a reboot finds none. */
const cutMax = 2_000;

/** A kernel counts whole seconds, and we read it a moment later. */
const slackMs = 5_000;

export interface EnforcerState {
  readonly firewall: string;
  /** Blocks that the rows want, and those of them that the firewall is known to hold. */
  readonly wanted: number;
  readonly verified: number;
  /** Why the firewall is not equal to the rows; undefined when it is. */
  readonly error: string | undefined;
  readonly retries: number;
  /** ms since the epoch; 0 before the first. */
  readonly readBackAt: number;
  /** How many times what stood was not what should. */
  readonly mended: number;
  readonly cut: number;
  /** Connections that would not end. */
  readonly notCut: number;
}

export class Enforcer implements AsyncDisposable {
  readonly book = new BanBook();
  readonly #options: EnforcerOptions;
  /** What the firewall holds as far as we know, by printed address. */
  #standing = new Map<string, Block[]>();
  #wanted = 0;
  #seq = 0;
  #work: Promise<void> = Promise.resolve();
  #cutting: Promise<void> = Promise.resolve();
  #error: string | undefined;
  #retries = 0;
  #retryMs = retryMsMin;
  #retryAt = Number.POSITIVE_INFINITY;
  #readBackAt = 0;
  #mended = 0;
  #cut = 0;
  #notCut = 0;
  #listFileAt = 0;
  #listFileStale = true;
  #isFlushed = false;

  constructor(options: EnforcerOptions) {
    this.#options = options;
  }

  /** Resolves when the rows are read and the firewall is equal to them, or is known to fail; never throws for the firewall. */
  async start(): Promise<void> {
    this.#options.firewall.onForeignChange(() => void this.readBack("somebody else changed the firewall"));
    await this.#queue(() => this.#again());
  }

  get state(): EnforcerState {
    let verified = 0;
    for (const blocks of this.#standing.values()) verified += blocks.length;
    return {
      ...{ firewall: this.#options.firewall.name, wanted: this.#wanted, verified, error: this.#error },
      ...{ retries: this.#retries, readBackAt: this.#readBackAt, mended: this.#mended },
      ...{ cut: this.#cut, notCut: this.#notCut },
    };
  }

  /** True when the firewall is known to hold the ban; where our own answers refuse, as soon as it is in memory. */
  isVerified(ban: Ban): boolean {
    const key = printNetwork(ban.address);
    if (!ban.enforce) return false;
    if (this.#options.firewall.name === "policy-only") return this.book.at(key).some(({ jail }) => jail === ban.jail);
    const portsOf = ({ ports }: Pick<Block, "ports">) => (ports === undefined ? "" : printPorts(ports));
    return (this.#standing.get(key) ?? []).some((block) => portsOf(block) === portsOf(ban));
  }

  /** Takes what changed in the store; resolves when the firewall has it, or is known to fail. */
  hear(fact: string): Promise<void> {
    if (fact === "bans") return this.#queue(() => this.#takeChanges());
    if (fact === "trusts") return this.#queue(() => this.#enforce(new Set(this.book.addresses())));
    return Promise.resolve();
  }

  /** What time brings: bans that end, a firewall to be tried again, a look at what stands. Called about once a second. */
  async due(): Promise<void> {
    const { store, clock } = this.#options;
    const now = clock.now();
    await expireBans(store, now);
    if (now >= this.#retryAt) await this.#queue(() => this.#again());
    else if (now - this.#readBackAt >= readBackMs && this.#error === undefined) await this.readBack(undefined);
    if (this.#listFileStale && now - this.#listFileAt >= listFileMs) await this.#writeList(now);
  }

  /** Reads what stands and mends it. */
  readBack(why: string | undefined): Promise<void> {
    return this.#queue(() => this.#mend(why));
  }

  /** Takes every rule of ours away; nothing is enforced by this process any more. Why not, when it did not work. */
  async flush(): Promise<string | undefined> {
    await this.#queue(async () => {
      await this.#options.firewall.flush();
      this.#error = undefined;
      this.#isFlushed = true;
      this.book.clear();
      this.#standing.clear();
      this.#wanted = 0;
    });
    return this.#isFlushed ? undefined : (this.#error ?? "the firewall gave no reason");
  }

  /** Ends without taking anything away: what is banned stays banned while nobody runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#work;
    await this.#cutting;
    await this.#options.firewall[Symbol.asyncDispose]();
  }

  #queue(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#failed(error));
    return this.#work;
  }

  /** What failed may have been the reading of changes. */
  async #again(): Promise<void> {
    await this.#readRows();
    await this.#mend(undefined);
  }

  async #readRows(): Promise<void> {
    const { store } = this.#options;
    this.#seq = await lastBanChange(store);
    this.book.clear();
    for await (const ban of readAllBans(store)) this.book.set(ban);
    this.#listFileStale = true;
  }

  async #takeChanges(): Promise<void> {
    const { seq, changes } = await readBanChanges(this.#options.store, this.#seq);
    if (changes === undefined) {
      return this.#again();
    }
    this.#seq = seq;
    const touched = new Set<string>();
    for (const { address, jail, ban } of changes) {
      touched.add(printNetwork(address));
      if (ban === undefined) this.book.remove({ address, jail });
      else this.book.set(ban);
    }
    if (touched.size > 0) this.#listFileStale = true;
    await this.#enforce(touched);
  }

  /** Makes the firewall equal to the rows at these addresses. */
  async #enforce(addresses: ReadonlySet<string>): Promise<void> {
    // A firewall that fails is mended as a whole when its time comes.
    if (this.#error !== undefined || this.#isFlushed) return;
    const now = this.#options.clock.now();
    const forgetsFrom = this.#options.firewall.forgets ? now : undefined;
    const change = { adds: [] as Block[], renewals: [] as Block[], deletes: [] as Block[] };
    const after = new Map<string, Block[]>();
    for (const address of addresses) {
      const wanted = this.#blocksAt(address, now);
      after.set(address, wanted);
      compare(this.#standing.get(address) ?? [], wanted, forgetsFrom, change);
    }
    await this.#apply(change, now);
    for (const [address, blocks] of after) {
      this.#wanted += blocks.length - (this.#standing.get(address)?.length ?? 0);
      if (blocks.length === 0) this.#standing.delete(address);
      else this.#standing.set(address, blocks);
    }
    this.#cutSoon(change.adds);
  }

  /** What the rows want at one address: rows that close the same ports are one block, with the latest end. */
  #blocksAt(address: string, now: number): Block[] {
    const blocks = new Map<string, Block>();
    for (const ban of this.book.at(address)) {
      if (!ban.enforce || !isStanding(ban, now) || this.#options.trust(ban.address, now) !== undefined) continue;
      const key = blockKey(ban);
      const known = blocks.get(key);
      const until = known === undefined ? ban.until : later(known.until, ban.until);
      blocks.set(key, { address: ban.address, ports: ban.ports, until });
    }
    return [...blocks.values()];
  }

  /** Opens the firewall, reads what stands in it and makes it equal to all rows. */
  async #mend(why: string | undefined): Promise<void> {
    const { firewall, clock, log } = this.#options;
    if (this.#isFlushed) return;
    await firewall.open();
    const now = clock.now();
    const read = await firewall.readBack(now);
    const standing = new Map<string, Block[]>();
    for (const block of read ?? []) push(standing, printNetwork(block.address), block);
    const change = { adds: [] as Block[], renewals: [] as Block[], deletes: [] as Block[] };
    const after = new Map<string, Block[]>();
    let wanted = 0;
    const forgetsFrom = firewall.forgets ? now : undefined;
    for (const address of new Set([...this.book.addresses(), ...standing.keys()])) {
      const blocks = this.#blocksAt(address, now);
      wanted += blocks.length;
      if (blocks.length > 0) after.set(address, blocks);
      compare(standing.get(address) ?? [], blocks, forgetsFrom, change);
    }
    const differs = change.adds.length + change.renewals.length + change.deletes.length;
    if (differs > 0 && this.#readBackAt > 0) {
      this.#mended++;
      log.warn("firewall.mended", { blocks: differs, why: why ?? "what stood was not what should" });
    }
    this.#wanted = wanted;
    this.#standing = standing;
    await this.#apply(change, now);
    this.#standing = read === undefined ? new Map() : after;
    this.#readBackAt = now;
    this.#retryAt = Number.POSITIVE_INFINITY;
    this.#retryMs = retryMsMin;
    if (this.#error !== undefined) log.info("firewall.works-again", { firewall: firewall.name });
    this.#error = undefined;
    this.#cutSoon(change.adds);
  }

  async #apply({ adds, renewals, deletes }: FirewallChange, now: number): Promise<void> {
    const { firewall } = this.#options;
    // Somebody may have become trusted between the row and here.
    const trusted = adds.find(({ address }) => this.#options.trust(address, now) !== undefined);
    if (trusted !== undefined) throw new Error(`${printNetwork(trusted.address)} is trusted`);
    if (adds.length + renewals.length + deletes.length <= batchMax) {
      if (adds.length + renewals.length + deletes.length > 0) await firewall.apply({ adds, renewals, deletes }, now);
      return;
    }
    for (const [name, blocks] of [
      ["deletes", deletes],
      ["renewals", renewals],
      ["adds", adds],
    ] as const) {
      for (let at = 0; at < blocks.length; at += batchMax) {
        const part = { adds: [], renewals: [], deletes: [], [name]: blocks.slice(at, at + batchMax) };
        await firewall.apply(part, now);
      }
    }
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    const { clock, log, firewall } = this.#options;
    this.#retries++;
    this.#standing = new Map();
    this.#retryAt = clock.now() + this.#retryMs;
    if (this.#error !== text)
      log.error("firewall.failed", { firewall: firewall.name, again_ms: this.#retryMs, error: text });
    this.#error = text;
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
  }

  /** Beside the road: a ban is there before the connections of an address have ended. */
  #cutSoon(blocks: readonly Block[]): void {
    if (blocks.length === 0 || blocks.length > cutMax) return;
    const { firewall, log } = this.#options;
    this.#cutting = this.#cutting.then(async () => {
      try {
        const { cut, left } = await firewall.cut(blocks);
        this.#cut += cut;
        this.#notCut += left;
        if (left > 0) log.warn("firewall.not-cut", { connections: left });
      } catch (error) {
        log.warn("firewall.not-cut", { error: error instanceof Error ? error.message : String(error) });
      }
    });
  }

  async #writeList(now: number): Promise<void> {
    const { listFile, log } = this.#options;
    this.#listFileAt = now;
    this.#listFileStale = false;
    if (listFile === "") return;
    const banned = [...this.book.addresses()].filter((address) => this.#blocksAt(address, now).length > 0);
    try {
      await writeListFile(listFile, banned.sort());
    } catch (error) {
      this.#listFileStale = true;
      log.warn("firewall.list-file", { path: listFile, error: error instanceof Error ? error.message : String(error) });
    }
  }
}

/** Adds to `change` what makes `standing` equal to `wanted`, all of one address. Ends matter to a firewall that forgets, at `forgetsFrom`. */
function compare(
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

function later(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}

function push(map: Map<string, Block[]>, key: string, block: Block): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [block]);
  else known.push(block);
}
