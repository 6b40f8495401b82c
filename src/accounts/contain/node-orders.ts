// Where several nodes share a store: every node holds what lies in its own queue and ends its own sessions. One gives the order, each
// does its part, also one that was down meanwhile, and says what came of it.

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { messageOf } from "../../core/problem.ts";
import {
  type ContainmentOrder,
  type ContainmentPart,
  openOrders,
  pruneOrders,
  putOrder,
  putPart,
  readParts,
} from "../../store/containment-orders.ts";
import { type ContainStep, changeHeld, findContainment } from "../../store/containments.ts";
import type { Store } from "../../store/db.ts";
import { readTrusts } from "../../store/trusts.ts";
import type { HostSteps } from "./host-steps.ts";

export interface NodeOrdersParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly host: HostSteps;
}

/** Who gave the order waits this long for the others; what they do later they do all the same. */
const waitMs = 5_000;
const lookMs = 100;
/** Postfix keeps a message for five days: then there is nothing left to hold. */
const keptMs = 7 * 86_400_000;

export class NodeOrders {
  readonly #parts: NodeOrdersParts;
  #working: Promise<void> | undefined;

  constructor(parts: NodeOrdersParts) {
    this.#parts = parts;
    const failed = (error: unknown) => parts.log.error("accounts.order", { error: messageOf(error) });
    // Whoever announces does not wait for it.
    parts.store.changes.onChange((fact) => {
      if (fact === "orders") this.work().catch(failed);
    });
  }

  /** Tells the other nodes. What is to be done here is the caller's. */
  async give(order: ContainmentOrder): Promise<void> {
    const { store, host } = this.#parts;
    await store.facts.transaction().execute(async (tx) => {
      await putOrder(tx, order);
      await putPart(tx, order.account, { node: host.node, at: order.at, steps: [] });
    });
    await store.changes.announce("orders");
  }

  /** What the others did until now or do within a moment; `steps` empty of a node that has not answered. */
  async gather(order: Pick<ContainmentOrder, "account" | "at">): Promise<readonly ContainmentPart[]> {
    const { store } = this.#parts;
    const others = await this.#others();
    const deadline = performance.now() + waitMs;
    for (;;) {
      const parts = new Map((await readParts(store.facts, order)).map((part) => [part.node, part]));
      const all = [...new Set([...others, ...parts.keys()])].filter((node) => node !== this.#parts.host.node).sort();
      if (all.every((node) => parts.has(node)) || performance.now() > deadline)
        return all.map((node) => parts.get(node) ?? { node, at: order.at, steps: [] });
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  /** Does what is open here; one at a time. */
  work(): Promise<void> {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  async prune(now: number): Promise<void> {
    await pruneOrders(this.#parts.store, now - keptMs);
  }

  async #work(): Promise<void> {
    const { store, host, log } = this.#parts;
    for (const order of await openOrders(store.facts, host.node)) {
      const steps = order.act === "contain" ? await this.#contain(order) : await this.#release(order);
      await store.facts.transaction().execute((tx) => {
        return putPart(tx, order.account, { node: host.node, at: order.at, steps });
      });
      const results = steps.map(({ step, result }) => `${step} ${result}`).join(", ");
      log.info("account_order", { account: order.account, act: order.act, steps: results });
    }
  }

  async #contain({ account, skip }: ContainmentOrder): Promise<readonly ContainStep[]> {
    const { store, host } = this.#parts;
    const steps: ContainStep[] = [];
    if (!skip.includes("hold")) {
      const { step, held } = await host.hold(planned("hold"), account);
      await store.facts.transaction().execute((tx) => changeHeld(tx, account, { add: held }));
      steps.push(step);
    }
    if (!skip.includes("kick")) steps.push(await attempt(planned("kick"), (step) => host.kick(step, account)));
    return steps;
  }

  async #release({ account, fate }: ContainmentOrder): Promise<readonly ContainStep[]> {
    const { store, host } = this.#parts;
    const held = (await findContainment(store.facts, account))?.held ?? [];
    const step = await attempt(planned("unhold"), (plan) => host.unhold(plan, held, fate));
    // What was not given back is known to the next release.
    if (isOver(step)) {
      const drop = held.filter((id) => host.isHere(id));
      await store.facts.transaction().execute((tx) => changeHeld(tx, account, { drop }));
    }
    return [step];
  }

  /** Nodes that have lived within the last day: each says so with its addresses. */
  async #others(): Promise<readonly string[]> {
    const { store, clock } = this.#parts;
    const trusts = await readTrusts(store, clock.now());
    return trusts.flatMap(({ origin, node }) => (origin === "node" && node !== "" ? [node] : []));
  }
}

/** Nothing of the step is left to do. */
export function isOver({ result }: ContainStep): boolean {
  return result === "done" || result === "nothing_to_do";
}

function planned(step: string): ContainStep {
  return { step, what: "", result: "planned", detail: "" };
}

/** What goes wrong in a step is its result. */
export async function attempt(
  step: ContainStep,
  act: (step: ContainStep) => Promise<ContainStep>,
): Promise<ContainStep> {
  try {
    return await act(step);
  } catch (error) {
    return { ...step, result: "failed", detail: messageOf(error) };
  }
}

/** Worst first: what somebody has to look at is seen. */
const worstFirst: readonly ContainStep["result"][] = ["failed", "by_hand", "planned", "done", "nothing_to_do"];

/** The steps of one node with what the others did of each. */
export function joinParts(
  steps: readonly ContainStep[],
  own: string,
  parts: readonly ContainmentPart[],
): readonly ContainStep[] {
  if (parts.length === 0) return steps;
  return steps.map((step) => {
    if (!["hold", "kick", "unhold"].includes(step.step)) return step;
    const all = parts.map(({ node, steps: done }) => {
      const found = done.find((one) => one.step === step.step);
      return { node, result: found?.result ?? ("planned" as const), detail: textOfPart(found) };
    });
    const here = { node: own, result: step.result, detail: step.detail === "" ? "nothing to do" : step.detail };
    const result = worstFirst.find((one) => [here, ...all].some((part) => part.result === one)) ?? step.result;
    return { ...step, result, detail: [here, ...all].map(({ node, detail }) => `${node}: ${detail}`).join("; ") };
  });
}

function textOfPart(found: ContainStep | undefined): string {
  if (found === undefined) return "has not answered; it does this when it is there";
  return found.result === "nothing_to_do" ? "nothing to do" : found.detail;
}
