// Containing a stolen account and giving it back: one list of steps, shown before anything is done, each with its result, each with
// a way back. Steps that need more rights than we have go to the helper, or are told as commands.

import type { Transaction } from "kysely";
import type { TrustCheck, WantedBan } from "../../core/ban.ts";
import type { Clock } from "../../core/clock.ts";
import { networkOf, parseIp, widthOf } from "../../core/ip.ts";
import type { Log } from "../../core/log.ts";
import { type Author, writeAudit } from "../../store/audit.ts";
import { addBans, unbanNow } from "../../store/bans.ts";
import { type Containment, type ContainStep, findContainment, saveContainment } from "../../store/containments.ts";
import type { Store } from "../../store/db.ts";
import { dropFreeze, findFreeze, putFreeze } from "../../store/freezes.ts";
import { addNotices } from "../../store/notices.ts";
import type { Tables } from "../../store/tables.ts";
import { dropWatch, putWatch } from "../../store/watches.ts";
import type { AccountView } from "../account-view.ts";
import { hangUpLine, kickLine, type PrivilegedSteps, postsuperLine, safeIds } from "./privileged-steps.ts";

export interface ContainParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  /** The judge's side. */
  readonly judge: {
    view(account: string): Promise<AccountView | undefined>;
    queueOf(account: string): Promise<readonly { readonly queueId: string; readonly node: string }[]>;
    reset(account: string): Promise<boolean>;
  };
  /** What lies in the queue; undefined when nobody can say. */
  readonly queued: () => Promise<ReadonlySet<string> | undefined>;
  /** Other ends of submission sessions that the account may have open. */
  readonly sessions: (account: string) => readonly (readonly [address: string, port: number])[];
  readonly trust: TrustCheck;
  /** Why the firewall is not equal to the bans at the moment. */
  readonly firewallTrouble: () => string | undefined;
  /** Dovecot's configuration file, for what is to be run by hand; empty: its own. */
  readonly dovecotConfig: string;
  readonly helper: () => PrivilegedSteps | undefined;
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
  readonly held: "release" | "delete";
  /** 0: no watch afterwards. */
  readonly probationMs: number;
  /** Forgets what quotas counted for the account; resolves with how many counters. */
  readonly resetQuotas?: () => Promise<number>;
}

/** Addresses banned for one account at most, and for how long. */
const bansMax = 50;
const banMs = 7 * 86_400_000;
/** Messages held for one account at most. */
const holdsMax = 5_000;
/** Sessions that a person is shown commands for. */
const sessionsShown = 20;
const jail = "account";
const frozenText = "5.7.1 This account is suspended, please contact your help desk";

type Act = (step: ContainStep) => Promise<ContainStep>;

export class ContainmentKeeper {
  readonly #parts: ContainParts;

  constructor(parts: ContainParts) {
    this.#parts = parts;
  }

  /** What would be done; changes nothing. */
  async plan(order: ContainOrder): Promise<readonly ContainStep[]> {
    const { account, skip } = order;
    const [{ ids, elsewhere }, addresses] = [await this.#queuedIds(account), await this.#strangers(account)];
    const frozen = (await findFreeze(this.#parts.store.facts, account)) !== undefined;
    const steps: ContainStep[] = [
      planned(
        "freeze",
        "refuse every message of the account",
        frozen ? "it is frozen already" : "at its next question",
      ),
      this.#byHelper(
        "hold",
        `hold its ${ids.length} queued messages${elsewhere}`,
        ids.length === 0,
        postsuperLine("-h", ids),
      ),
      this.#byHelper("kick", "end its IMAP, POP3 and submission sessions", false, this.#kickLines(account)),
      planned("ban", `ban ${addresses.length} unfamiliar addresses for 7 days`, addresses.join(", ")),
      planned("notify", "tell whom [notices] names", "through its channels"),
    ];
    return steps.filter(({ step }) => !skip.some((name) => name === step));
  }

  /** Does it, one step after the other; a step that fails holds up none behind it. */
  async contain(order: ContainOrder, author: Author): Promise<readonly ContainStep[]> {
    const { account } = order;
    const before = await findContainment(this.#parts.store.facts, account);
    const open = before?.releasedAt === 0 ? before : undefined;
    const state = { held: [...(open?.held ?? [])], banned: [...(open?.banned ?? [])] };
    const acts: Record<ContainStepName, Act> = {
      freeze: (step) => this.#freeze(step, account, author),
      hold: (step) => this.#hold(step, account, state.held),
      kick: (step) => this.#kick(step, account),
      ban: (step) => this.#ban(step, order, state.banned, author),
      notify: (step) => Promise.resolve({ ...step, result: "done" }),
    };
    const done: ContainStep[] = [];
    for (const step of await this.plan(order)) done.push(await attempt(step, acts[step.step as ContainStepName]));
    const record = { account, at: open?.at ?? author.now, releasedAt: 0, steps: done, by: author.by, ...state };
    await this.#record(record, order.skip.includes("notify") ? undefined : "account_contained", author, order.reason);
    this.#parts.log.info("account_contained", { account, by: author.by, steps: summary(done) });
    return done;
  }

  async planRelease({ account, held, probationMs }: ReleaseOrder): Promise<readonly ContainStep[]> {
    const open = await findContainment(this.#parts.store.facts, account);
    const { ids, others } = this.#heldHere(open?.held ?? []);
    const elsewhere = others.length === 0 ? "" : ` (${others.length} more lie on other nodes: release it there too)`;
    const flag = held === "release" ? "-H" : "-d";
    const word = held === "release" ? "give back to the queue" : "delete";
    const days = Math.round(probationMs / 86_400_000);
    return [
      planned("unfreeze", "let the account send again", "at its next question"),
      this.#byHelper(
        "unhold",
        `${word} ${ids.length} held messages${elsewhere}`,
        ids.length === 0,
        postsuperLine(flag, ids),
      ),
      planned("unban", `end the bans of ${open?.banned.length ?? 0} addresses`, (open?.banned ?? []).join(", ")),
      planned("reset", "forget what was counted, for the judge and for quotas", "what is familiar stays"),
      planned("watch", probationMs === 0 ? "no probation" : `a probation of ${days} days in the watch group`, ""),
      planned("notify", "tell whom [notices] names", "through its channels"),
    ];
  }

  async release(order: ReleaseOrder, author: Author): Promise<readonly ContainStep[]> {
    const { account, held, probationMs, resetQuotas } = order;
    const open = await findContainment(this.#parts.store.facts, account);
    const acts: Readonly<Record<string, Act>> = {
      unfreeze: (step) => this.#unfreeze(step, account),
      unhold: (step) => this.#unhold(step, this.#heldHere(open?.held ?? []).ids, held),
      unban: (step) => this.#unban(step, open?.banned ?? [], author),
      reset: (step) => this.#reset(step, account, resetQuotas),
      watch: (step) => this.#probation(step, account, probationMs, author),
      notify: (step) => Promise.resolve({ ...step, result: "done" }),
    };
    const done: ContainStep[] = [];
    for (const step of await this.planRelease(order)) {
      const act = acts[step.step];
      if (act !== undefined) done.push(await attempt(step, act));
    }
    const record = { account, at: open?.at ?? author.now, releasedAt: author.now, steps: done, by: author.by };
    // What was not given back is known to the next release.
    const rest = {
      held: isOver(done, "unhold") ? this.#heldHere(open?.held ?? []).others : (open?.held ?? []),
      banned: isOver(done, "unban") ? [] : (open?.banned ?? []),
    };
    await this.#record({ ...record, ...rest }, "account_released", author, "password changed");
    this.#parts.log.info("account_released", { account, by: author.by, steps: summary(done) });
    return done;
  }

  /** Its messages by queue ids that we know are its: a sender proves nothing. */
  async #queuedIds(account: string): Promise<{ readonly ids: readonly string[]; readonly elsewhere: string }> {
    const all = await this.#parts.judge.queueOf(account).catch(() => []);
    const there = await this.#parts.queued();
    const own = all.filter(({ node }) => node === this.#parts.node).map(({ queueId }) => queueId);
    const ids = own.filter((id) => there === undefined || there.has(id));
    const others = [...new Set(all.map(({ node }) => node))].filter((node) => node !== this.#parts.node);
    const elsewhere = others.length === 0 ? "" : ` (it also sent through ${others.join(", ")}: contain it there too)`;
    return { ids: safeIds(ids).slice(-holdsMax), elsewhere };
  }

  /** What was held in the queue of this node, and what in those of others. */
  #heldHere(held: readonly string[]): { readonly ids: readonly string[]; readonly others: readonly string[] } {
    const prefix = `${this.#parts.node}/`;
    const isOwn = (id: string) => !id.includes("/") || id.startsWith(prefix);
    const ids = held.filter(isOwn).map((id) => id.slice(id.lastIndexOf("/") + 1));
    return { ids: safeIds(ids), others: held.filter((id) => !isOwn(id)) };
  }

  /** Where it was used from and its owner is not at home. Networks that many accounts use hold others of ours. */
  async #strangers(account: string): Promise<readonly string[]> {
    const view = await this.#parts.judge.view(account).catch(() => undefined);
    const strange = (view?.recent ?? []).filter(({ familiar, popular }) => !familiar && !popular);
    const usual = new Set((view?.recent ?? []).filter(({ familiar }) => familiar).map(({ ip }) => ip));
    return [...new Set(strange.map(({ ip }) => ip))].filter((ip) => !usual.has(ip)).slice(0, bansMax);
  }

  #byHelper(step: ContainStep["step"], what: string, isNothing: boolean, line: string): ContainStep {
    if (isNothing) return { step, what, result: "nothing_to_do", detail: "" };
    const detail = this.#parts.helper() === undefined ? `no helper runs; by hand: ${line}` : "by the helper";
    return { step, what, result: "planned", detail };
  }

  async #freeze(step: ContainStep, account: string, author: Author): Promise<ContainStep> {
    const { store } = this.#parts;
    await this.#write((tx) => putFreeze(tx, { account, since: author.now, text: frozenText, by: author.by }));
    await store.changes.announce("rules");
    return { ...step, result: "done", detail: `refused with ${frozenText}` };
  }

  async #hold(step: ContainStep, account: string, held: string[]): Promise<ContainStep> {
    // Asked again: until the freeze more may have come.
    const { ids } = await this.#queuedIds(account);
    if (ids.length === 0) return { ...step, result: "nothing_to_do" };
    const known = new Set(held);
    held.push(...ids.map((id) => `${this.#parts.node}/${id}`).filter((id) => !known.has(id)));
    const helper = this.#parts.helper();
    if (helper === undefined) return { ...step, result: "by_hand", detail: postsuperLine("-h", ids) };
    const count = await helper.hold(ids);
    return { ...step, result: "done", detail: `${count} of ${ids.length} messages are held` };
  }

  async #kick(step: ContainStep, account: string): Promise<ContainStep> {
    const helper = this.#parts.helper();
    if (helper === undefined) return { ...step, result: "by_hand", detail: this.#kickLines(account) };
    const sessions = this.#parts.sessions(account);
    // A machine without Dovecot has submission sessions all the same.
    const [kicked, hungUp] = await Promise.allSettled([
      helper.kick(account),
      sessions.length === 0 ? 0 : helper.hangUp(sessions),
    ]);
    const told = [
      kicked.status === "fulfilled"
        ? `sessions of Dovecot ${kicked.value > 0 ? "ended" : "are none"}`
        : textOf(kicked.reason),
      hungUp.status === "fulfilled" ? `${hungUp.value} submission sessions ended` : textOf(hungUp.reason),
    ];
    const isDone = kicked.status === "fulfilled" && hungUp.status === "fulfilled";
    return { ...step, result: isDone ? "done" : "failed", detail: told.join("; ") };
  }

  #kickLines(account: string): string {
    const sessions = this.#parts.sessions(account).slice(-sessionsShown);
    const lines = [kickLine(account, this.#parts.dovecotConfig), hangUpLine(sessions)];
    return lines.filter((line) => line !== "").join("; ");
  }

  async #ban(step: ContainStep, order: ContainOrder, banned: string[], author: Author): Promise<ContainStep> {
    const { store, node, trust } = this.#parts;
    const wanted = (await this.#strangers(order.account)).flatMap((ip) => wantedBan(ip, order, node, author.now) ?? []);
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

  async #unhold(step: ContainStep, ids: readonly string[], held: ReleaseOrder["held"]): Promise<ContainStep> {
    if (ids.length === 0) return step;
    const helper = this.#parts.helper();
    const flag = held === "release" ? "-H" : "-d";
    if (helper === undefined) return { ...step, result: "by_hand", detail: postsuperLine(flag, ids) };
    const count = await (held === "release" ? helper.release(ids) : helper.remove(ids));
    return { ...step, result: "done", detail: `${count} of ${ids.length} messages` };
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

  async #record(
    record: Containment,
    kind: "account_contained" | "account_released" | undefined,
    author: Author,
    reason: string,
  ): Promise<void> {
    const { account, steps } = record;
    const detail = `${record.releasedAt === 0 ? "contained" : "released"}: ${summary(steps)}`;
    const left = steps.filter(({ result }) => result === "by_hand").map((step) => step.detail);
    await this.#write(async (tx) => {
      await saveContainment(tx, record);
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

function isOver(steps: readonly ContainStep[], name: ContainStep["step"]): boolean {
  const result = steps.find(({ step }) => step === name)?.result;
  return result === "done" || result === "nothing_to_do";
}

function planned(step: string, what: string, detail: string): ContainStep {
  return { step, what, result: "planned", detail };
}

/** What goes wrong in a step is its result. */
async function attempt(step: ContainStep, act: Act): Promise<ContainStep> {
  if (step.result === "nothing_to_do" && step.step !== "hold") return step;
  try {
    return await act(step);
  } catch (error) {
    return { ...step, result: "failed", detail: textOf(error) };
  }
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

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function summary(steps: readonly ContainStep[]): string {
  return steps.map(({ step, result }) => `${step} ${result}`).join(", ");
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
