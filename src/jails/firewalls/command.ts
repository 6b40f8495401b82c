// Actions of a Fail2ban configuration as they are written: a command for each ban and each unban of a jail. What they hold is known from
// what was run; nothing is run when the daemon stops, so bans hold meanwhile, and what stood before is put back one by one.

import { type ActionCall, type ActionOutcome, type ActionValues, familyOf, type RunAction } from "../../core/action.ts";
import { type Block, blockKey, type CutReport, type Firewall, type FirewallChange } from "../../core/firewall.ts";
import { printNetwork } from "../../core/ip.ts";
import type { Log } from "../../core/log.ts";
import { messageOf } from "../../core/problem.ts";
import { type ActionBook, actionsOf } from "../action-book.ts";
import { type BlockOrder, Station, type StationOutcome } from "../action-station.ts";
import type { JailAction } from "../fail2ban/action-reader.ts";

/** Which blocks commands were run for, where a restart finds it. */
export interface BlockMemory {
  read(): Promise<readonly Block[]>;
  add(blocks: readonly Block[]): Promise<void>;
  remove(blocks: readonly Block[]): Promise<void>;
}

export interface CommandOptions {
  /** Read when it is opened. Throws a Problem. */
  readonly readBook: () => ActionBook;
  readonly run: RunAction;
  /** Everything ends: what waits to be run is not begun. */
  readonly hurry?: () => void;
  /** What a log said of a ban, for the values of its commands. */
  readonly valuesOf: (block: Block, restored: boolean) => Promise<ActionValues>;
  /** Without it nothing is known of a process before. */
  readonly memory?: BlockMemory;
  readonly log: Log;
  readonly glanceMs?: number;
  readonly budgetMs?: number;
}

/** What a change may take; blocks that are not reached are given back and come again. */
const budgetMsDefault = 50_000;

/** As long as a foreign change may go unnoticed. */
const glanceMsDefault = 45_000;

interface Pass {
  readonly endsAt: number;
  /** Stations that did not answer, and are left alone for the rest of the change. */
  readonly hung: Set<Station>;
  /** Stations whose failure was told: one after the other would fill the log. */
  readonly told: Set<Station>;
}

export class CommandFirewall implements Firewall {
  readonly name = "command";
  readonly forgets = false;
  readonly prolongs = true;
  readonly grain = "jail";
  readonly #options: CommandOptions;
  #book: ActionBook = new Map();
  readonly #stations = new Map<string, Station>();
  readonly #standing = new Map<string, Block>();
  /** Of a process before us: they may stand, and nobody has just earned them. */
  readonly #restored = new Map<string, Block>();
  /** Commands were run for them, not all of them well. */
  readonly #halfway = new Map<string, Block>();
  /** They stood until an action was found to be gone; whoever asks next hears of them. */
  readonly #lost = new Map<string, Block>();
  #isOpen = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #hurried = Promise.withResolvers<ActionOutcome>();
  #isHurried = false;

  constructor(options: CommandOptions) {
    this.#options = options;
  }

  /** True where a ban has a command; the others are kept away by our answers to Postfix. */
  takes({ jail = "" }: Pick<Block, "jail">): boolean {
    return !this.#isOpen || actionsOf(this.#book, jail).actions.length > 0;
  }

  async open(): Promise<void> {
    if (this.#isOpen) return;
    await this.#read();
    const pass = this.#pass();
    await Promise.all(
      [...this.#book].map(async ([jail, actions]) => {
        for (const action of actions.filter(({ startOnDemand }) => !startOnDemand)) {
          for (const family of ["inet4", "inet6"] as const) {
            const station = this.#station(jail, action, family);
            this.#tell(station, await station.start(), pass);
          }
        }
      }),
    );
  }

  async apply({ adds, renewals, deletes, restored = false }: FirewallChange): Promise<readonly Block[]> {
    if (restored) for (const block of adds) this.#restored.set(blockKey(block), block);
    // Before the commands: what they did is found again even if nobody lives to say so.
    await this.#remember("add", adds);
    const pass = this.#pass();
    // Bans before unbans, as Fail2ban; jails beside each other, but those that share an action.
    const orders = [...adds, ...renewals, ...deletes].map((block, i) => ({
      ...{ block, isBan: i < adds.length + renewals.length },
      line: actionsOf(this.#book, block.jail ?? "").name,
    }));
    const given = await Promise.all(
      [...Map.groupBy(orders, ({ line }) => line).values()].map(async (line) => {
        const back: Block[] = [];
        for (const { block, isBan } of line) {
          if (!(await (isBan ? this.#ban(block, pass) : this.#unban(block, pass)))) back.push(block);
        }
        return back;
      }),
    );
    const refused = new Map(given.flat().map((block) => [blockKey(block), block]));
    const gone = deletes.filter((block) => !refused.has(blockKey(block)));
    const none = [...refused.values()].filter((block) => !this.#mayStand(blockKey(block)));
    await this.#remember("remove", [...gone, ...none]);
    for (const [key, block] of this.#takeLost()) refused.set(key, block);
    for (const block of gone) refused.delete(blockKey(block));
    return [...refused.values()];
  }

  /** What was run and still holds, as far as the actions can tell. What may stand has ended: it is wanted again, or taken away. */
  async readBack(): Promise<readonly Block[]> {
    await this.#look();
    this.#takeLost();
    const doubtful = new Map([...this.#restored, ...this.#halfway]);
    for (const key of this.#standing.keys()) doubtful.delete(key);
    return [...this.#standing.values(), ...[...doubtful.values()].map((block) => ({ ...block, until: 0 }))];
  }

  /** An action that cuts does so with the ban. */
  async cut(): Promise<CutReport> {
    return { cut: 0, left: 0 };
  }

  /** As Fail2ban at its stop: the last action first, each emptied and then stopped. */
  async flush(): Promise<void> {
    if (!this.#isOpen) await this.#read();
    const left = new Map<Station, Block[]>();
    for (const [key, block] of this.#restored) {
      for (const station of this.#stationsOf(block)) {
        if (!station.mayHold(key)) left.set(station, [...(left.get(station) ?? []), block]);
      }
    }
    const failed: string[] = [];
    for (const station of [...this.#stations.values()].reverse()) {
      failed.push(...(await station.flush(left.get(station) ?? [], (block) => this.#orderOf(block, false))));
    }
    const all = new Map([...this.#standing, ...this.#restored, ...this.#halfway]);
    for (const blocks of [this.#standing, this.#restored, this.#halfway, this.#lost]) blocks.clear();
    if (failed.length > 0) throw new Error(failed.slice(0, 5).join("; "));
    await this.#remember("remove", [...all.values()]);
  }

  /** Nobody tells of changes, so we look. */
  onForeignChange(listener: () => void): void {
    clearInterval(this.#timer);
    let isLooking = false;
    this.#timer = setInterval(async () => {
      if (isLooking) return;
      isLooking = true;
      await this.#look();
      isLooking = false;
      if (this.#lost.size > 0) listener();
    }, this.#options.glanceMs ?? glanceMsDefault);
  }

  /** A command that runs goes on to its end without us; none is begun. */
  hurry(): void {
    this.#isHurried = true;
    this.#hurried.resolve(stopping);
    this.#options.hurry?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    this.#book = this.#options.readBook();
    for (const block of (await this.#options.memory?.read()) ?? []) this.#restored.set(blockKey(block), block);
    this.#isOpen = true;
  }

  #pass(): Pass {
    const { budgetMs = budgetMsDefault } = this.#options;
    return { endsAt: performance.now() + budgetMs, hung: new Set(), told: new Set() };
  }

  async #ban(block: Block, pass: Pass): Promise<boolean> {
    const key = blockKey(block);
    let isDone = true;
    for (const station of this.#stationsOf(block)) {
      if (!station.action.notForRestored || !this.#restored.has(key))
        isDone = (await this.#banAt(station, block, pass)) && isDone;
    }
    for (const blocks of [this.#standing, this.#restored, this.#halfway]) if (isDone) blocks.delete(key);
    if (isDone) this.#standing.set(key, block);
    else if (this.#stationsOf(block).some((station) => station.mayHold(key))) this.#halfway.set(key, block);
    return isDone;
  }

  async #banAt(station: Station, block: Block, pass: Pass): Promise<boolean> {
    const key = blockKey(block);
    const held = station.held(key);
    if (held !== undefined && held.until === block.until) return true;
    if (this.#isOver(station, pass)) return false;
    const order = await this.#orderOf(block, this.#restored.has(key));
    const outcome = await (held === undefined ? station.ban(order) : station.prolong(order));
    if (outcome.hung) pass.hung.add(station);
    this.#tell(station, outcome, pass, block);
    return outcome.ok || held !== undefined;
  }

  async #unban(block: Block, pass: Pass): Promise<boolean> {
    const key = blockKey(block);
    const isRestored = this.#restored.has(key);
    for (const station of this.#stationsOf(block)) {
      const isHeld = station.held(key) !== undefined;
      if (!station.mayHold(key) && (!isRestored || station.action.notForRestored)) continue;
      if (this.#isOver(station, pass)) return false;
      const outcome = await station.unban(await this.#orderOf(block, isRestored));
      if (outcome.hung) pass.hung.add(station);
      if (isHeld) this.#tell(station, outcome, pass, block);
    }
    for (const blocks of [this.#standing, this.#restored, this.#halfway]) blocks.delete(key);
    return true;
  }

  #mayStand(key: string): boolean {
    return [this.#standing, this.#restored, this.#halfway].some((blocks) => blocks.has(key));
  }

  #isOver(station: Station, { hung, endsAt }: Pass): boolean {
    return this.#isHurried || hung.has(station) || performance.now() >= endsAt;
  }

  async #orderOf(block: Block, isRestored: boolean): Promise<BlockOrder> {
    return { block, isRestored, values: await this.#options.valuesOf(block, isRestored) };
  }

  async #look(): Promise<void> {
    for (const station of this.#stations.values()) await station.look();
  }

  #lose(blocks: Iterable<Block>): void {
    for (const block of blocks) if (this.#standing.delete(blockKey(block))) this.#lost.set(blockKey(block), block);
  }

  /** What was lost and does not stand again. */
  #takeLost(): readonly (readonly [string, Block])[] {
    const lost = [...this.#lost].filter(([key]) => !this.#standing.has(key));
    this.#lost.clear();
    return lost;
  }

  #stationsOf({ jail = "", address }: Block): readonly Station[] {
    const { name, actions } = actionsOf(this.#book, jail);
    return actions.map((action) => this.#station(name, action, familyOf(address)));
  }

  #station(jail: string, action: JailAction, family: "inet4" | "inet6"): Station {
    const { inet4, inet6 } = action.commands;
    const isShared = !action.perFamily || inet4.start?.source === inet6.start?.source;
    const key = `${jail}\n${action.name}\n${isShared ? "" : family}`;
    const known = this.#stations.get(key);
    if (known !== undefined) return known;
    const station = new Station({
      ...{ jail, action, family: isShared ? "inet4" : family },
      hand: (call) => this.#hand(call),
      onLost: (blocks) => this.#lose(blocks),
    });
    this.#stations.set(key, station);
    return station;
  }

  /** Nobody to run it is no answer. */
  #hand(call: ActionCall): Promise<ActionOutcome> {
    if (this.#isHurried) return Promise.resolve(stopping);
    const ran = this.#options.run(call).catch((error: unknown) => ({ ok: false, hung: true, said: messageOf(error) }));
    return Promise.race([ran, this.#hurried.promise]);
  }

  #tell(station: Station, { ok, operation, said }: StationOutcome, { told }: Pass, block?: Block): void {
    if (ok || told.has(station) || this.#isHurried) return;
    told.add(station);
    const { jail, action } = station;
    const address = block === undefined ? undefined : printNetwork(block.address);
    this.#options.log.warn("firewall.action", { jail, action: action.name, operation, address, error: said });
  }

  /** A ban holds rather than being remembered. */
  async #remember(how: "add" | "remove", blocks: readonly Block[]): Promise<void> {
    if (blocks.length === 0) return;
    await this.#options.memory?.[how](blocks).catch((error: unknown) => {
      this.#options.log.warn("firewall.not-remembered", { blocks: blocks.length, error: messageOf(error) });
    });
  }
}

const stopping: ActionOutcome = { ok: false, hung: true, said: "the daemon stops" };
