// Actions of a Fail2ban configuration as they are written: a command for each ban and each unban of a jail. What they hold is known from
// what was run; nothing is run when the daemon stops, so bans hold meanwhile, and what stood before is put back one by one.

import { type ActionCall, type ActionOutcome, type ActionValues, familyOf, type RunAction } from "../../core/action.ts";
import type { ActionFamily, ActionOperation } from "../../core/action-operation.ts";
import { type Block, blockKey, type CutReport, type Firewall, type FirewallChange } from "../../core/firewall.ts";
import { printNetwork } from "../../core/ip.ts";
import type { Log } from "../../core/log.ts";
import { type ActionBook, actionsOf } from "../action-book.ts";
import type { JailAction } from "../fail2ban/action-reader.ts";

export interface CommandOptions {
  /** Read when it is opened. Throws a Problem. */
  readonly readBook: () => ActionBook;
  readonly run: RunAction;
  /** What a log said of a ban, for the values of its commands. */
  readonly valuesOf: (block: Block, restored: boolean) => Promise<ActionValues>;
  readonly log: Log;
  readonly glanceMs?: number;
  readonly budgetMs?: number;
}

/** What a change may take; blocks that are not reached are given back and come again. */
const budgetMsDefault = 50_000;

/** As long as a foreign change may go unnoticed. */
const glanceMsDefault = 45_000;

/** One action of one jail for one family, or for both where the file makes no difference. */
interface Station {
  readonly key: string;
  readonly jail: string;
  readonly action: JailAction;
  readonly family: ActionFamily;
  isStarted: boolean;
  /** It was found broken: it is repaired, not started. */
  isBroken: boolean;
  /** Keys of blocks that its command has taken. */
  readonly taken: Set<string>;
}

interface Pass {
  readonly restored: boolean;
  readonly endsAt: number;
  /** Stations that hung, and are left alone for the rest of the change. */
  readonly hung: Set<Station>;
}

export class CommandFirewall implements Firewall {
  readonly name = "command";
  readonly forgets = false;
  readonly grain = "jail";
  readonly #options: CommandOptions;
  #book: ActionBook = new Map();
  readonly #stations = new Map<string, Station>();
  readonly #standing = new Map<string, Block>();
  #isOpen = false;
  #listener: (() => void) | undefined;
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
    this.#book = this.#options.readBook();
    this.#isOpen = true;
    for (const [jail, actions] of this.#book) {
      for (const action of actions.filter(({ startOnDemand }) => !startOnDemand)) {
        for (const family of ["inet4", "inet6"] as const) await this.#start(this.#station(jail, action, family));
      }
    }
  }

  async apply({ adds, renewals, deletes, restored = false }: FirewallChange): Promise<readonly Block[]> {
    const { budgetMs = budgetMsDefault } = this.#options;
    const pass: Pass = { restored, endsAt: performance.now() + budgetMs, hung: new Set() };
    // Bans before unbans, as Fail2ban; jails beside each other.
    const byJail = Map.groupBy(
      [...adds, ...renewals, ...deletes].map((block, i) => ({ block, isBan: i < adds.length + renewals.length })),
      ({ block }) => block.jail ?? "",
    );
    const refused = await Promise.all(
      [...byJail.values()].map(async (orders) => {
        const back: Block[] = [];
        for (const { block, isBan } of orders) {
          const isDone = isBan ? await this.#ban(block, pass) : await this.#unban(block, pass);
          if (!isDone) back.push(block);
        }
        return back;
      }),
    );
    return refused.flat();
  }

  /** What was run and still holds, as far as the actions can tell. */
  async readBack(): Promise<readonly Block[]> {
    await this.#check();
    return [...this.#standing.values()];
  }

  /** An action that cuts does so with the ban. */
  async cut(): Promise<CutReport> {
    return { cut: 0, left: 0 };
  }

  /** As Fail2ban at its stop: the last action first, each emptied and then stopped. */
  async flush(): Promise<void> {
    const failed: string[] = [];
    for (const station of [...this.#stations.values()].reverse()) {
      if (!station.isStarted) continue;
      if (has(station, "flush")) await this.#note(failed, this.#run(station, "flush"));
      else for (const key of station.taken) await this.#note(failed, this.#unbanAt(station, key));
      await this.#note(failed, this.#run(station, "stop"));
      station.isStarted = false;
      station.taken.clear();
    }
    this.#standing.clear();
    if (failed.length > 0) throw new Error(failed.slice(0, 5).join("; "));
  }

  onForeignChange(listener: () => void): void {
    this.#listener = listener;
    clearInterval(this.#timer);
    let isLooking = false;
    this.#timer = setInterval(async () => {
      if (isLooking) return;
      isLooking = true;
      await this.#check().catch(() => {});
      isLooking = false;
    }, this.#options.glanceMs ?? glanceMsDefault);
  }

  /** A command that runs goes on to its end without us. */
  hurry(): void {
    this.#isHurried = true;
    this.#hurried.resolve({ ok: false, hung: true, said: "the daemon stops" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
  }

  async #ban(block: Block, pass: Pass): Promise<boolean> {
    const key = blockKey(block);
    const { name, actions } = actionsOf(this.#book, block.jail ?? "");
    let isDone = true;
    for (const action of actions) {
      const station = this.#station(name, action, familyOf(block.address));
      if (station.taken.has(key)) await this.#prolong(station, block, pass);
      else if (!(pass.restored && action.notForRestored)) isDone = (await this.#banAt(station, block, pass)) && isDone;
    }
    if (isDone) this.#standing.set(key, block);
    return isDone;
  }

  async #banAt(station: Station, block: Block, pass: Pass): Promise<boolean> {
    if (this.#isOver(station, pass)) return false;
    const values = await this.#options.valuesOf(block, pass.restored);
    const run = async (operation: "ban" | "unban") => this.#runFor(station, operation, block, values);
    if (!(await this.#start(station))) return false;
    // Its rule may stand from before: a second one would outlive the unban.
    if (pass.restored) await run("unban");
    let outcome = await run("ban");
    if (!outcome.ok && !outcome.hung && (await this.#isFound(station)) === false) {
      this.#break(station);
      if (await this.#start(station)) outcome = await run("ban");
    }
    if (outcome.hung) pass.hung.add(station);
    if (!outcome.ok) return this.#tell(station, "ban", outcome, block);
    station.taken.add(blockKey(block));
    return true;
  }

  /** An unban that fails is told and given up, as Fail2ban does: it would fail again. */
  async #unban(block: Block, pass: Pass): Promise<boolean> {
    const key = blockKey(block);
    const { name, actions } = actionsOf(this.#book, block.jail ?? "");
    for (const action of actions) {
      const station = this.#station(name, action, familyOf(block.address));
      if (!station.taken.has(key) && !pass.restored) continue;
      if (this.#isOver(station, pass)) return false;
      const values = await this.#options.valuesOf(block, pass.restored);
      let outcome = await this.#runFor(station, "unban", block, values);
      if (!outcome.ok && action.repairOnUnban && (await this.#isFound(station)) === false) {
        this.#break(station);
        if (await this.#start(station)) outcome = await this.#runFor(station, "unban", block, values);
      }
      if (outcome.hung) pass.hung.add(station);
      if (!outcome.ok && station.taken.has(key)) this.#tell(station, "unban", outcome, block);
      station.taken.delete(key);
    }
    this.#standing.delete(key);
    return true;
  }

  async #unbanAt(station: Station, key: string): Promise<ActionOutcome> {
    const block = this.#standing.get(key);
    if (block === undefined) return { ok: true, hung: false, said: "" };
    return this.#runFor(station, "unban", block, await this.#options.valuesOf(block, false));
  }

  async #prolong(station: Station, block: Block, pass: Pass): Promise<void> {
    if (!has(station, "prolong") || this.#isOver(station, pass)) return;
    const outcome = await this.#runFor(station, "prolong", block, await this.#options.valuesOf(block, false));
    if (!outcome.ok) this.#tell(station, "prolong", outcome, block);
  }

  #isOver(station: Station, { hung, endsAt }: Pass): boolean {
    return this.#isHurried || hung.has(station) || performance.now() >= endsAt;
  }

  /** True when it runs. What a process before us has left is not started a second time. */
  async #start(station: Station): Promise<boolean> {
    if (station.isStarted) return true;
    if (!station.isBroken && (await this.#isFound(station)) === true) return this.#started(station);
    if (station.isBroken && has(station, "repair")) {
      if ((await this.#run(station, "repair")).ok) return this.#started(station);
    } else if (station.isBroken) await this.#run(station, "stop");
    let outcome = await this.#run(station, "start");
    if (!outcome.ok && !station.isBroken && !outcome.hung) {
      await this.#run(station, "stop");
      outcome = await this.#run(station, "start");
    }
    return outcome.ok ? this.#started(station) : this.#tell(station, "start", outcome);
  }

  #started(station: Station): true {
    station.isStarted = true;
    station.isBroken = false;
    return true;
  }

  /** What `check` says; undefined where the action has none. */
  async #isFound(station: Station): Promise<boolean | undefined> {
    return has(station, "check") ? (await this.#run(station, "check")).ok : undefined;
  }

  /** All that it held is taken to be gone, and comes back by the rows. */
  #break(station: Station): void {
    station.isStarted = false;
    station.isBroken = true;
    for (const key of station.taken) this.#standing.delete(key);
    station.taken.clear();
    this.#listener?.();
  }

  async #check(): Promise<void> {
    for (const station of this.#stations.values()) {
      if (station.isStarted && (await this.#isFound(station)) === false) this.#break(station);
    }
  }

  #station(jail: string, action: JailAction, family: ActionFamily): Station {
    const { inet4, inet6 } = action.commands;
    const isShared = !action.perFamily || inet4.start?.source === inet6.start?.source;
    const key = `${jail}\n${action.name}\n${isShared ? "" : family}`;
    const known = this.#stations.get(key);
    if (known !== undefined) return known;
    const fields = { key, jail, action, family: isShared ? "inet4" : family } as const;
    const station: Station = { ...fields, isStarted: false, isBroken: false, taken: new Set() };
    this.#stations.set(key, station);
    return station;
  }

  async #run({ jail, action, family }: Station, operation: ActionOperation): Promise<ActionOutcome> {
    if (action.commands[family][operation] === undefined) return { ok: true, hung: false, said: "" };
    return this.#hand({ jail, action: action.name, operation, family, address: null, values: null });
  }

  #runFor({ jail, action }: Station, operation: ActionOperation, { address }: Block, values: ActionValues) {
    const family = familyOf(address);
    return this.#hand({ jail, action: action.name, operation, family, address: printNetwork(address), values });
  }

  #hand(call: ActionCall): Promise<ActionOutcome> {
    return Promise.race([this.#options.run(call), this.#hurried.promise]);
  }

  #tell({ jail, action }: Station, operation: ActionOperation, { said }: ActionOutcome, block?: Block): false {
    const address = block === undefined ? undefined : printNetwork(block.address);
    this.#options.log.warn("firewall.action", { jail, action: action.name, operation, address, error: said });
    return false;
  }

  async #note(failed: string[], work: Promise<ActionOutcome>): Promise<void> {
    const { ok, said } = await work;
    if (!ok) failed.push(said);
  }
}

function has({ action, family }: Station, operation: ActionOperation): boolean {
  return action.commands[family][operation] !== undefined;
}
