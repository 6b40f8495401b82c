// Containing a stolen account and giving it back: one list of steps, shown before anything is done, each with its result, each with
// a way back. Steps that need more rights than we have go to the helper, or are told as commands.

import type { Transaction } from "kysely";
import type { TrustCheck, WantedBan } from "../../core/ban.ts";
import type { Clock } from "../../core/clock.ts";
import { networkOf, parseIp, widthOf } from "../../core/ip.ts";
import type { Log } from "../../core/log.ts";
import { type Author, writeAudit } from "../../store/audit.ts";
import { addBans, unbanNow } from "../../store/bans.ts";
import type { ContainmentOrder } from "../../store/containment-orders.ts";
import {
  type Containment,
  type ContainStep,
  changeHeld,
  findContainment,
  saveContainment,
} from "../../store/containments.ts";
import type { Store } from "../../store/db.ts";
import { dropFreeze, findFreeze, putFreeze } from "../../store/freezes.ts";
import { addNotices } from "../../store/notices.ts";
import type { Tables } from "../../store/tables.ts";
import { dropWatch, putWatch } from "../../store/watches.ts";
import type { AccountView } from "../account-view.ts";
import type { HeldFate, HostSteps, OwnMessage } from "./host-steps.ts";
import { attempt, isOver, joinParts, type NodeOrders } from "./node-orders.ts";

export interface ContainParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The judge's side. */
  readonly judge: {
    look(account: string): Promise<{ readonly view: AccountView | undefined; readonly queue: readonly OwnMessage[] }>;
    reset(account: string): Promise<boolean>;
  };
  readonly host: HostSteps;
  /** The other nodes, where some may share the store. */
  readonly orders: NodeOrders | undefined;
  readonly trust: TrustCheck;
  /** Why the firewall is not equal to the bans at the moment. */
  readonly firewallTrouble: () => string | undefined;
}

export const containSteps = ["freeze", "hold", "kick", "ban", "notify"] as const;
export type ContainStepName = (typeof containSteps)[number];

export interface ContainOrder {
  readonly account: string;
  readonly reason: string;
  readonly skip: readonly ContainStepName[];
}

export interface ReleaseOrder {
  readonly account: string;
  readonly held: HeldFate;
  /** 0: no watch afterwards. */
  readonly probationMs: number;
  /** Forgets what quotas counted for the account; resolves with how many counters. */
  readonly resetQuotas?: () => Promise<number>;
}

/** Addresses banned for one account at most, and for how long. */
const bansMax = 50;
const banMs = 7 * 86_400_000;
const jail = "account";
const frozenText = "5.7.1 This account is suspended, please contact your help desk";

const nothingYet = { steps: [], held: [], banned: [], by: "" };

type Act = (step: ContainStep) => Promise<ContainStep>;

interface Plan {
  readonly steps: readonly ContainStep[];
  /** Addresses to ban. */
  readonly strangers: readonly string[];
}

interface Bans {
  readonly order: ContainOrder;
  readonly strangers: readonly string[];
  /** For this account already; what is added stands here too. */
  readonly banned: string[];
}

interface Outcome {
  readonly account: string;
  readonly steps: readonly ContainStep[];
  readonly kind: "account_contained" | "account_released" | undefined;
  readonly reason: string;
}

export class ContainmentKeeper {
  readonly #parts: ContainParts;

  constructor(parts: ContainParts) {
    this.#parts = parts;
  }

  /** Does what other nodes ordered. */
  async work(): Promise<void> {
    await this.#parts.orders?.work();
  }

  async prune(now: number): Promise<void> {
    await this.#parts.orders?.prune(now);
  }

  /** What would be done; changes nothing. */
  async plan(order: ContainOrder): Promise<readonly ContainStep[]> {
    return (await this.#plan(order)).steps;
  }

  async #plan({ account, skip }: ContainOrder): Promise<Plan> {
    const { judge, host, store } = this.#parts;
    const { view, queue } = await judge.look(account).catch(() => ({ view: undefined, queue: [] }));
    const here = await host.idsHere(queue);
    const strangers = strangersOf(view);
    const frozen = (await findFreeze(store.facts, account)) !== undefined;
    const steps: ContainStep[] = [
      planned(
        "freeze",
        "refuse every message of the account",
        frozen ? "it is frozen already" : "at its next question",
      ),
      host.planHold(here, this.#elsewhere(queue)),
      host.planKick(account),
      planned("ban", `ban ${strangers.length} unfamiliar addresses for 7 days`, strangers.join(", ")),
      planned("notify", "tell whom [notices] names", "through its channels"),
    ];
    return { steps: steps.filter(({ step }) => !skip.some((name) => name === step)), strangers };
  }

  /** Does it, one step after the other; a step that fails holds up none behind it. */
  async contain(order: ContainOrder, author: Author): Promise<readonly ContainStep[]> {
    const { account, skip } = order;
    const { steps, strangers } = await this.#plan(order);
    const { banned } = await this.#begin(account, author);
    const acts: Record<ContainStepName, Act> = {
      freeze: (step) => this.#freeze(step, account, author),
      hold: (step) => this.#hold(step, account),
      kick: (step) => this.#parts.host.kick(step, account),
      ban: (step) => this.#ban(step, { order, strangers, banned }, author),
      notify: (step) => Promise.resolve({ ...step, result: "done" }),
    };
    const act = (step: ContainStep) => attempt(step, acts[step.step as ContainStepName]);
    const done: ContainStep[] = [];
    for (const step of steps.filter((one) => one.step === "freeze")) done.push(await act(step));
    const join = await this.#giveOrder({ account, act: "contain", at: author.now, skip, fate: "release" });
    for (const step of steps.filter((one) => one.step !== "freeze")) done.push(await act(step));
    const all = await join(done);
    const kind = skip.includes("notify") ? undefined : "account_contained";
    await this.#record({ account, steps: all, kind, reason: order.reason }, (known) => ({ ...known, banned }), author);
    this.#parts.log.info("account_contained", { account, by: author.by, steps: summary(all) });
    return all;
  }

  async planRelease({ account, held, probationMs }: ReleaseOrder): Promise<readonly ContainStep[]> {
    const { host, orders, store } = this.#parts;
    const open = await findContainment(store.facts, account);
    const ids = open?.held ?? [];
    const others = ids.filter((id) => !host.isHere(id)).length;
    const theirs = orders === undefined ? "release it there too" : "they do the same";
    const elsewhere = others === 0 ? "" : ` (${others} more lie on other nodes: ${theirs})`;
    const days = Math.round(probationMs / 86_400_000);
    return [
      planned("unfreeze", "let the account send again", "at its next question"),
      host.planUnhold(ids, held, elsewhere),
      planned("unban", `end the bans of ${open?.banned.length ?? 0} addresses`, (open?.banned ?? []).join(", ")),
      planned("reset", "forget what was counted, for the judge and for quotas", "what is familiar stays"),
      planned("watch", probationMs === 0 ? "no probation" : `a probation of ${days} days in the watch group`, ""),
      planned("notify", "tell whom [notices] names", "through its channels"),
    ];
  }

  async release(order: ReleaseOrder, author: Author): Promise<readonly ContainStep[]> {
    const { account, held: fate, probationMs, resetQuotas } = order;
    const { host, store, log } = this.#parts;
    const open = await findContainment(store.facts, account);
    const acts: Readonly<Record<string, Act>> = {
      unfreeze: (step) => this.#unfreeze(step, account),
      unhold: (step) => host.unhold(step, open?.held ?? [], fate),
      unban: (step) => this.#unban(step, open?.banned ?? [], author),
      reset: (step) => this.#reset(step, account, resetQuotas),
      watch: (step) => this.#probation(step, account, probationMs, author),
      notify: (step) => Promise.resolve({ ...step, result: "done" }),
    };
    const join = await this.#giveOrder({ account, act: "release", at: author.now, skip: [], fate });
    const done: ContainStep[] = [];
    for (const step of await this.planRelease(order)) {
      const act = acts[step.step];
      if (act !== undefined) done.push(await attempt(step, act));
    }
    const all = await join(done);
    // What was not given back is known to the next release.
    const isOverHere = (name: string) => done.some((step) => step.step === name && isOver(step));
    const left = (known: Containment): Containment => ({
      ...known,
      releasedAt: author.now,
      held: isOverHere("unhold") ? known.held.filter((id) => !host.isHere(id)) : known.held,
      banned: isOverHere("unban") ? [] : known.banned,
    });
    await this.#record({ account, steps: all, kind: "account_released", reason: "password changed" }, left, author);
    log.info("account_released", { account, by: author.by, steps: summary(all) });
    return all;
  }

  /** The record is there before any node adds to it; what an older one left held is still to be given back. */
  async #begin(account: string, author: Author): Promise<{ readonly banned: string[] }> {
    return await this.#write(async (tx) => {
      const before = await findContainment(tx, account);
      const open = before?.releasedAt === 0 ? before : undefined;
      const [at, steps] = [open?.at ?? author.now, open?.steps ?? []];
      const known = { held: before?.held ?? [], banned: before?.banned ?? [] };
      await saveContainment(tx, { account, at, releasedAt: 0, steps, ...known, by: author.by });
      return { banned: [...known.banned] };
    });
  }

  /** Has the other nodes do their part; the answer adds what came of it to our own steps. */
  async #giveOrder(
    order: ContainmentOrder,
  ): Promise<(done: readonly ContainStep[]) => Promise<readonly ContainStep[]>> {
    const { orders, host } = this.#parts;
    if (orders === undefined || ["hold", "kick"].every((step) => order.skip.includes(step)))
      return async (done) => done;
    await orders.give(order);
    return async (done) => joinParts(done, host.node, await orders.gather(order));
  }

  /** Its other ways out. */
  #elsewhere(queue: readonly OwnMessage[]): string {
    const { host, orders } = this.#parts;
    const others = [...new Set(queue.map(({ node }) => node))].filter((node) => node !== host.node);
    if (others.length === 0) return "";
    const theirs = orders === undefined ? "contain it there too" : "there the same is done";
    return ` (it also sent through ${others.join(", ")}: ${theirs})`;
  }

  async #freeze(step: ContainStep, account: string, author: Author): Promise<ContainStep> {
    const { store } = this.#parts;
    await this.#write((tx) => putFreeze(tx, { account, since: author.now, text: frozenText, by: author.by }));
    await store.changes.announce("rules");
    return { ...step, result: "done", detail: `refused with ${frozenText}` };
  }

  async #hold(step: ContainStep, account: string): Promise<ContainStep> {
    // Asked again: until the freeze more may have come.
    const { step: done, held } = await this.#parts.host.hold(step, account);
    await this.#write((tx) => changeHeld(tx, account, { add: held }));
    return done;
  }

  async #ban(step: ContainStep, { order, strangers, banned }: Bans, author: Author): Promise<ContainStep> {
    const { store, host, trust } = this.#parts;
    const wanted = strangers.flatMap((ip) => wantedBan(ip, order, host.node, author.now) ?? []);
    if (wanted.length === 0) return { ...step, result: "nothing_to_do" };
    const outcomes = await this.#write((tx) => addBans(tx, wanted, { trust, now: author.now }));
    await store.changes.announce("bans");
    const trusted = outcomes.filter(({ outcome }) => outcome === "trusted").length;
    const ips = wanted.map(({ text }) => text).filter((_, i) => outcomes[i]?.outcome !== "trusted");
    banned.push(...ips.filter((ip) => !banned.includes(ip)));
    const spared = trusted === 0 ? "" : `; ${trusted} are trusted and were left alone`;
    const trouble = this.#parts.firewallTrouble();
    const late = trouble === undefined || ips.length === 0 ? "" : `; the firewall does not take them yet: ${trouble}`;
    return { ...step, result: ips.length > 0 ? "done" : "nothing_to_do", detail: `${ips.join(", ")}${spared}${late}` };
  }

  async #unfreeze(step: ContainStep, account: string): Promise<ContainStep> {
    const was = await this.#write((tx) => dropFreeze(tx, account));
    await this.#parts.store.changes.announce("rules");
    return { ...step, result: was ? "done" : "nothing_to_do" };
  }

  async #unban(step: ContainStep, banned: readonly string[], author: Author): Promise<ContainStep> {
    const addresses = banned.flatMap((ip) => hostOf(ip) ?? []);
    if (addresses.length === 0) return { ...step, result: "nothing_to_do" };
    const ended = await unbanNow(this.#parts.store, { addresses, jail }, author);
    return { ...step, result: "done", detail: `${ended.length} bans ended` };
  }

  async #reset(step: ContainStep, account: string, resetQuotas: ReleaseOrder["resetQuotas"]): Promise<ContainStep> {
    const judged = await this.#parts.judge.reset(account).catch(() => false);
    const counters = (await resetQuotas?.()) ?? 0;
    const detail = `${judged ? "the judge's windows" : "no windows of the judge"}, ${counters} counters of quotas`;
    return { ...step, result: "done", detail };
  }

  async #probation(step: ContainStep, account: string, ms: number, author: Author): Promise<ContainStep> {
    const until = author.now + ms;
    const reason = "probation after it was given back";
    const watch = {
      account,
      since: author.now,
      until,
      level: "calm",
      origin: "release",
      reason,
      body: "",
      by: author.by,
    };
    await this.#write(async (tx) => {
      if (ms === 0) await dropWatch(tx, account);
      else await putWatch(tx, { ...watch, origin: "release" });
    });
    await this.#parts.store.changes.announce("rules");
    return ms === 0 ? { ...step, result: "nothing_to_do" } : { ...step, result: "done", detail: `until ${iso(until)}` };
  }

  /** `change`: of what is known by then, because other nodes add to it. */
  async #record(
    { account, steps, kind, reason }: Outcome,
    change: (known: Containment) => Containment,
    author: Author,
  ): Promise<void> {
    const left = steps.filter(({ result }) => result === "by_hand").map((step) => step.detail);
    await this.#write(async (tx) => {
      const known = (await findContainment(tx, account)) ?? { account, at: author.now, releasedAt: 0, ...nothingYet };
      const record = change({ ...known, steps, by: author.by });
      await saveContainment(tx, record);
      const detail = `${record.releasedAt === 0 ? "contained" : "released"}: ${summary(steps)}`;
      await writeAudit(tx, [{ kind: "account", name: account, act: "changed", detail }], author);
      if (kind === undefined) return;
      const next = left.length === 0 ? {} : { next: left.join("; ") };
      const facts = { reason, steps: summary(steps), by: author.by, ...next };
      const severity = kind === "account_contained" ? "critical" : "info";
      await addNotices(tx, [{ kind, severity, subject: account, at: author.now, facts }]);
    });
  }

  #write<T>(work: (tx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#parts.store.facts.transaction().execute(work);
  }
}

/** Where it was used from and its owner is not at home. Networks that many accounts use hold others of ours. */
function strangersOf(view: AccountView | undefined): readonly string[] {
  const strange = (view?.recent ?? []).filter(({ familiar, popular }) => !familiar && !popular);
  const usual = new Set((view?.recent ?? []).filter(({ familiar }) => familiar).map(({ ip }) => ip));
  return [...new Set(strange.map(({ ip }) => ip))].filter((ip) => !usual.has(ip)).slice(0, bansMax);
}

function planned(step: string, what: string, detail: string): ContainStep {
  return { step, what, result: "planned", detail };
}

function wantedBan(
  ip: string,
  { account, reason }: ContainOrder,
  node: string,
  now: number,
): (WantedBan & { readonly text: string }) | undefined {
  const address = hostOf(ip);
  if (address === undefined) return undefined;
  return {
    ...{ address, jail, from: now, until: now + banMs, origin: "account", ports: undefined, enforce: true, node },
    ...{ reason: `used the stolen account ${account}`, evidence: JSON.stringify({ account, reason }), text: ip },
  };
}

function hostOf(text: string) {
  const ip = parseIp(text);
  return ip === undefined ? undefined : networkOf(ip, widthOf(ip));
}

function summary(steps: readonly ContainStep[]): string {
  return steps.map(({ step, result }) => `${step} ${result}`).join(", ");
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
