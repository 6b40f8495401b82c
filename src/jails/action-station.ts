// One action of one jail for one family: it is started when it is needed, knows which bans it was told of, and what it lost.

import { type ActionCall, type ActionOutcome, type ActionValues, familyOf } from "../core/action.ts";
import type { ActionFamily, ActionOperation } from "../core/action-operation.ts";
import { type Block, blockKey } from "../core/firewall.ts";
import { printNetwork } from "../core/ip.ts";
import type { JailAction } from "./fail2ban/action-reader.ts";

/** `hung`: there was no answer, and nobody knows what it did. */
export interface StationOutcome extends ActionOutcome {
  readonly operation: ActionOperation;
}

export interface StationOptions {
  readonly jail: string;
  readonly action: JailAction;
  readonly family: ActionFamily;
  /** Never rejects. */
  readonly hand: (call: ActionCall) => Promise<ActionOutcome>;
  /** All that it held is gone. */
  readonly onLost: (blocks: Iterable<Block>) => void;
}

export interface BlockOrder {
  readonly block: Block;
  readonly values: ActionValues;
  /** It may stand from before this process. */
  readonly isRestored: boolean;
}

export class Station {
  readonly jail: string;
  readonly action: JailAction;
  readonly #options: StationOptions;
  #isStarted = false;
  /** It was found broken: it is repaired, not started. */
  #isBroken = false;
  /** By key, what its command has taken. */
  readonly #held = new Map<string, Block>();
  /** By key, what its command may have taken: it hung. */
  readonly #doubtful = new Map<string, Block>();

  constructor(options: StationOptions) {
    this.jail = options.jail;
    this.action = options.action;
    this.#options = options;
  }

  /** As it was told last; undefined where it does not hold the block for sure. */
  held(key: string): Block | undefined {
    return this.#held.get(key);
  }

  mayHold(key: string): boolean {
    return this.#held.has(key) || this.#doubtful.has(key);
  }

  /** What a process before us has left is not started a second time. */
  async start(): Promise<StationOutcome> {
    if (this.#isStarted) return { ok: true, hung: false, said: "", operation: "start" };
    const outcome = this.#isBroken ? await this.#repair() : await this.#begin();
    if (outcome.ok) {
      this.#isStarted = true;
      this.#isBroken = false;
    }
    return outcome;
  }

  async ban(order: BlockOrder): Promise<StationOutcome> {
    const started = await this.start();
    if (!started.ok) return started;
    // Its rule may stand from before: a second one would outlive the unban.
    const key = blockKey(order.block);
    const mayStand = order.isRestored || this.#doubtful.has(key);
    const freed = mayStand ? await this.#runFor("unban", order) : started;
    if (freed.hung) return freed;
    const outcome = await this.#repaired("ban", order);
    this.#doubtful.delete(key);
    if (outcome.ok) this.#held.set(key, order.block);
    else if (outcome.hung) this.#doubtful.set(key, order.block);
    return outcome;
  }

  /** It holds the block, to another end. */
  async prolong(order: BlockOrder): Promise<StationOutcome> {
    this.#held.set(blockKey(order.block), order.block);
    return this.#runFor("prolong", order);
  }

  /** An unban that fails is given up, as Fail2ban does: it would fail again. */
  async unban(order: BlockOrder): Promise<StationOutcome> {
    const outcome = this.action.repairOnUnban
      ? await this.#repaired("unban", order)
      : await this.#runFor("unban", order);
    this.#forget(blockKey(order.block));
    return outcome;
  }

  /** Looks whether it is there still; what it held is lost otherwise. */
  async look(): Promise<void> {
    if (this.#isStarted && (await this.#isGone())) this.#break();
  }

  /** Emptied and stopped, with `left` of a process before us. `orderOf` has the values of a block. Resolves with what failed. */
  async flush(left: readonly Block[], orderOf: (block: Block) => Promise<BlockOrder>): Promise<readonly string[]> {
    const blocks = [...this.#held.values(), ...this.#doubtful.values(), ...left];
    if (!this.#isStarted && (blocks.length === 0 || (await this.#isGone()))) return [];
    const failed: string[] = [];
    const note = ({ ok, said }: ActionOutcome) => void (ok || failed.push(said));
    if (this.#has("flush")) note(await this.#run("flush"));
    else for (const block of blocks) note(await this.#runFor("unban", await orderOf(block)));
    note(await this.#run("stop"));
    const wasOurs = this.#isStarted;
    this.#isStarted = false;
    this.#held.clear();
    this.#doubtful.clear();
    // What somebody else has started may be there no more.
    return wasOurs ? failed : [];
  }

  async #begin(): Promise<StationOutcome> {
    if (this.#has("check")) {
      const found = await this.#run("check");
      // Who does not answer may be there: it is not started beside itself.
      if (found.ok || found.hung) return found;
    }
    const first = await this.#run("start");
    if (first.ok || first.hung) return first;
    await this.#run("stop");
    return this.#run("start");
  }

  async #repair(): Promise<StationOutcome> {
    if (this.#has("repair")) return this.#run("repair");
    await this.#run("stop");
    return this.#run("start");
  }

  /** Once more after a repair, where the action is found to be gone. */
  async #repaired(operation: "ban" | "unban", order: BlockOrder): Promise<StationOutcome> {
    const outcome = await this.#runFor(operation, order);
    if (outcome.ok || outcome.hung || !(await this.#isGone())) return outcome;
    this.#break();
    const started = await this.start();
    return started.ok ? this.#runFor(operation, order) : started;
  }

  /** Only where it says so: an action without `check`, and one that does not answer, are taken to be there. */
  async #isGone(): Promise<boolean> {
    if (!this.#has("check")) return false;
    const { ok, hung } = await this.#run("check");
    return !ok && !hung;
  }

  #break(): void {
    this.#isStarted = false;
    this.#isBroken = true;
    const lost = [...this.#held.values()];
    this.#held.clear();
    this.#doubtful.clear();
    this.#options.onLost(lost);
  }

  #forget(key: string): void {
    this.#held.delete(key);
    this.#doubtful.delete(key);
  }

  #has(operation: ActionOperation): boolean {
    return this.action.commands[this.#options.family][operation] !== undefined;
  }

  #run(operation: ActionOperation): Promise<StationOutcome> {
    return this.#hand(operation, this.#options.family, null, null);
  }

  #runFor(operation: ActionOperation, { block: { address }, values }: BlockOrder): Promise<StationOutcome> {
    return this.#hand(operation, familyOf(address), printNetwork(address), values);
  }

  async #hand(
    operation: ActionOperation,
    family: ActionFamily,
    address: string | null,
    values: ActionValues | null,
  ): Promise<StationOutcome> {
    const { jail, action } = this;
    if (action.commands[family][operation] === undefined) return { ok: true, hung: false, said: "", operation };
    const call = { jail, action: action.name, operation, family, address, values };
    return { ...(await this.#options.hand(call)), operation };
  }
}
