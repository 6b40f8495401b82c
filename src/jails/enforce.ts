// Makes the firewall equal to the rows: at the start, on every change, and when what is read back differs. Safe to repeat and to stop
// half way. A firewall that fails is tried again and again, and stops nothing else.

import { type Ban, isStanding, type TrustCheck } from "../core/ban.ts";
import type { Clock } from "../core/clock.ts";
import { type Block, batchesOf, blockKey, type Firewall, type FirewallChange } from "../core/firewall.ts";
import { printNetwork } from "../core/ip.ts";
import type { Log } from "../core/log.ts";
import { messageOf } from "../core/problem.ts";
import { expireBans } from "../store/bans.ts";
import type { BanBook } from "./ban-book.ts";
import { BanRows, type BanRowsOptions } from "./ban-rows.ts";
import { changeTowards, later } from "./block-change.ts";
import { writeListFile } from "./list-file.ts";
import { StandingBlocks } from "./standing-blocks.ts";

/** Where jails only observe, the firewall is left alone, but for what was asked for and what was put there while they enforced. */
export interface EnforcerOptions extends BanRowsOptions {
  readonly firewall: Firewall;
  readonly trust: TrustCheck;
  readonly clock: Clock;
  readonly log: Log;
  /** Empty for none. */
  readonly listFile: string;
  /** false: somebody else takes away the rows of bans that have ended. */
  readonly expires?: boolean;
}

const readBackMs = 300_000;
const retryMsMin = 1_000;
const retryMsMax = 60_000;
const listFileMs = 1_000;

/** Blocks of one batch: others wait behind it. */
const batchMax = 50_000;

/** More blocks of one change are banned without a look at their connections: a start after a reboot finds none. */
const cutMax = 2_000;

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
  readonly #rows: BanRows;
  readonly #options: EnforcerOptions;
  readonly #standing = new StandingBlocks();
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
  #isOpen = false;
  /** Some blocks were given back, and come again. */
  #isLacking = false;
  /** A look is queued because of somebody else: more of them would see the same. */
  #isLooking = false;

  constructor(options: EnforcerOptions) {
    this.#options = options;
    this.#rows = new BanRows(options);
  }

  /** What stands by the rows. */
  get book(): BanBook {
    return this.#rows.book;
  }

  /** Resolves when the rows are read and the firewall is equal to them, or is known to fail; never throws for the firewall. */
  async start(): Promise<void> {
    this.#options.firewall.onForeignChange(() => this.#lookSoon());
    await this.#queue(() => this.#again());
  }

  get state(): EnforcerState {
    const { firewall, clock } = this.#options;
    const verified = this.#standing.countHeld(clock.now());
    return {
      ...{ firewall: firewall.name, wanted: this.#standing.wanted, verified, error: this.#error },
      ...{ retries: this.#retries, readBackAt: this.#readBackAt, mended: this.#mended },
      ...{ cut: this.#cut, notCut: this.#notCut },
    };
  }

  /** True when the firewall is known to hold the ban; where our own answers refuse, as soon as it is in memory. */
  isVerified(ban: Ban): boolean {
    const { firewall, clock } = this.#options;
    if (!this.#rows.isEnforced(ban)) return false;
    if (firewall.name === "policy-only")
      return this.book.at(printNetwork(ban.address)).some(({ jail, enforce }) => enforce && jail === ban.jail);
    return this.#standing.holds(this.#blockOf(ban), clock.now());
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
    if (this.#options.expires !== false) await expireBans(store, now);
    if (now >= this.#retryAt)
      await this.#queue(() => (this.#error === undefined ? this.#mend(undefined) : this.#again()));
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
      if (!this.#isLeftAlone(this.#options.clock.now())) await this.#options.firewall.flush();
      this.#error = undefined;
      this.#isFlushed = true;
      this.book.clear();
      this.#standing.clear();
    });
    return this.#isFlushed ? undefined : (this.#error ?? "the firewall gave no reason");
  }

  /** Ends without taking anything away: what is banned stays banned while nobody runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.firewall.hurry?.();
    await this.#work;
    await this.#cutting;
    await this.#options.firewall[Symbol.asyncDispose]();
  }

  #lookSoon(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#queue(() => {
      this.#isLooking = false;
      return this.#mend("somebody else changed the firewall");
    });
  }

  #queue(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#failed(error));
    return this.#work;
  }

  /** What failed may have been the reading of changes. */
  async #again(): Promise<void> {
    await this.#rows.read();
    this.#listFileStale = true;
    await this.#mend(undefined);
  }

  async #takeChanges(): Promise<void> {
    const touched = await this.#rows.readChanges();
    if (touched === undefined) return this.#again();
    if (touched.size > 0) this.#listFileStale = true;
    await this.#enforce(touched);
  }

  /** Makes the firewall equal to the rows at these addresses. */
  async #enforce(addresses: ReadonlySet<string>): Promise<void> {
    // A firewall that fails is mended as a whole when its time comes.
    if (this.#error !== undefined || this.#isFlushed) return;
    const { firewall, clock } = this.#options;
    const now = clock.now();
    const wanted = new Map([...addresses].map((address) => [address, this.#blocksAt(address, now)]));
    const change = changeTowards(wanted, (address) => this.#standing.at(address), firewall, now);
    if (!this.#isOpen) return change.adds.length > 0 ? this.#mend(undefined) : undefined;
    await this.#settle(change, wanted, now);
  }

  /** Hands a change over and notes what came of it. */
  async #settle(change: FirewallChange, wanted: ReadonlyMap<string, readonly Block[]>, now: number): Promise<void> {
    const refused = await this.#apply(change, now);
    for (const [address, blocks] of wanted) this.#standing.note(address, blocks, refused);
    // What the firewall lost stood elsewhere.
    for (const block of refused.values()) if (!wanted.has(printNetwork(block.address))) this.#standing.lose(block);
    if (refused.size > 0) this.#lack(refused, now);
    this.#cutSoon(change.adds.filter((block) => !refused.has(blockKey(block))));
  }

  /** What the rows want at one address: rows that close the same ports are one block, with the latest end. */
  #blocksAt(address: string, now: number): Block[] {
    const blocks = new Map<string, Block>();
    for (const ban of this.book.at(address)) {
      if (!ban.enforce || !isStanding(ban, now) || this.#options.trust(ban.address, now) !== undefined) continue;
      const block = this.#blockOf(ban);
      if (this.#options.firewall.takes?.(block) === false) continue;
      const key = blockKey(block);
      const known = blocks.get(key);
      const until = known === undefined ? ban.until : later(known.until, ban.until);
      blocks.set(key, { ...block, until });
    }
    return [...blocks.values()];
  }

  /** What the firewall tells apart of a ban. */
  #blockOf({ address, until, ports, jail }: Ban): Block {
    const { grain } = this.#options.firewall;
    switch (grain) {
      case "address":
        return { address, until, ports: undefined };
      case "ports":
        return { address, until, ports };
      case "jail":
        return { address, until, ports, jail };
      default:
        return grain satisfies never;
    }
  }

  /** What could not be taken one by one is tried again with growing pauses; the rest goes on. */
  #lack(refused: ReadonlyMap<string, Block>, now: number): void {
    const { log, firewall } = this.#options;
    this.#retries++;
    this.#isLacking = true;
    this.#retryAt = Math.min(this.#retryAt, now + this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
    const [first] = refused.keys();
    log.warn("firewall.refused", { firewall: firewall.name, blocks: refused.size, first });
  }

  /** Somebody who only observes need not have a firewall, or the rights to it, until a ban is asked for. */
  #isLeftAlone(now: number): boolean {
    if (this.#isOpen || this.#options.askedOnly !== true) return false;
    return [...this.book.addresses()].every((address) => this.#blocksAt(address, now).length === 0);
  }

  /** A firewall that does not open holds nothing that we could take away. */
  async #holdsOutlived(): Promise<boolean> {
    const { firewall, log } = this.#options;
    if (!this.#rows.hasOutlived) return false;
    try {
      await firewall.open();
      return true;
    } catch (error) {
      this.#rows.forgetOutlived();
      log.info("firewall.left-alone", { firewall: firewall.name, error: messageOf(error) });
      return false;
    }
  }

  /** Opens the firewall, reads what stands in it and makes it equal to all rows. */
  async #mend(why: string | undefined): Promise<void> {
    const { firewall, clock, log } = this.#options;
    if (this.#isFlushed) return;
    const now = clock.now();
    if (this.#isLeftAlone(now) && !(await this.#holdsOutlived())) {
      this.#readBackAt = now;
      this.#retryAt = Number.POSITIVE_INFINITY;
      this.#error = undefined;
      return;
    }
    await firewall.open();
    const wasOpen = this.#isOpen;
    this.#isOpen = true;
    const read = await firewall.readBack(now);
    const ours = (read ?? []).filter(({ address }) => this.#rows.isOurs(printNetwork(address)));
    const standing = Map.groupBy(ours, ({ address }) => printNetwork(address));
    const wanted = new Map<string, Block[]>();
    for (const address of [...this.book.addresses(), ...standing.keys()])
      if (!wanted.has(address)) wanted.set(address, this.#blocksAt(address, now));
    const change = changeTowards(wanted, (address) => standing.get(address) ?? [], firewall, now);
    const differs = change.adds.length + change.renewals.length + change.deletes.length;
    if (differs > 0 && read !== undefined && wasOpen && !this.#isLacking) {
      this.#mended++;
      log.warn("firewall.mended", { blocks: differs, why: why ?? "what stood was not what should" });
    }
    this.#standing.replace(standing, wanted);
    this.#isLacking = false;
    this.#retryAt = Number.POSITIVE_INFINITY;
    // Until a first look has come to its end nobody has just earned a ban.
    await this.#settle({ ...change, restored: this.#readBackAt === 0 }, wanted, now);
    this.#readBackAt = now;
    if (!this.#isLacking) this.#retryMs = retryMsMin;
    if (this.#error !== undefined) log.info("firewall.works-again", { firewall: firewall.name });
    this.#error = undefined;
  }

  /** What the firewall could not take, by key. */
  async #apply(change: FirewallChange, now: number): Promise<ReadonlyMap<string, Block>> {
    const { firewall } = this.#options;
    // Somebody may have become trusted between the row and here.
    const trusted = change.adds.find(({ address }) => this.#options.trust(address, now) !== undefined);
    if (trusted !== undefined) throw new Error(`${printNetwork(trusted.address)} is trusted`);
    const refused = new Map<string, Block>();
    for (const batch of batchesOf(change, batchMax)) {
      const { adds, renewals, deletes } = batch;
      if (adds.length + renewals.length + deletes.length === 0) continue;
      for (const block of await firewall.apply(batch, now)) refused.set(blockKey(block), block);
    }
    return refused;
  }

  #failed(error: unknown): void {
    const text = messageOf(error);
    const { clock, log, firewall } = this.#options;
    this.#retries++;
    this.#standing.forget();
    this.#isLacking = false;
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
        log.warn("firewall.not-cut", { error: messageOf(error) });
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
      log.warn("firewall.list-file", { path: listFile, error: messageOf(error) });
    }
  }
}
