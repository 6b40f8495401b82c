// The accounts' half in the main thread: gives the judge what it starts from, writes what it tells, and brings it the logins that
// Postfix asks about before its log tells of them.

import type { Transaction } from "kysely";
import type { AccountOptions } from "../core/account.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { LogPartOwner } from "../core/log-part.ts";
import {
  addJudgeEvents,
  adoptJudgeState,
  hasNoJudgeState,
  type JudgeState,
  readJudgeState,
  readMails,
  saveJudgeCheckpoint,
} from "../store/account-history.ts";
import { type AccountMark, readMarkRows } from "../store/account-marks.ts";
import { everyNode } from "../store/account-told.ts";
import type { Store } from "../store/db.ts";
import type { Tables } from "../store/tables.ts";
import type { AccountView } from "./account-view.ts";
import {
  type AccountsAnswer,
  type AccountsQuestion,
  type AccountsStart,
  type AccountsWrite,
  accountsPartName,
} from "./accounts-words.ts";
import type { AskedLogin, LevelChange } from "./judge.ts";
import type { JudgeSettings } from "./judge-settings.ts";
import { type Mark, type MarkKind, markKinds } from "./marks.ts";
import { SharedJudge } from "./shared-judge.ts";
import type { SiteRecord } from "./site-knowledge.ts";
import { type BreakerLimits, type Kept, keepWatches, reasonOf } from "./watch-keeper.ts";

export interface AccountsSettings {
  readonly mode: "enforce" | "observe";
  readonly watchGroup: string;
  /** `high`: an account that comes to this level is contained by itself. */
  readonly contain: "hand" | "high";
  readonly judge: JudgeSettings;
  readonly breaker: BreakerLimits;
  readonly accountOptions: () => AccountOptions;
}

export interface AccountsOwnerParts {
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Names of blocks at their registries: what is not known is asked for in its turn. */
  readonly registries?: { find(ip: string): { readonly name: string } | undefined; work(): Promise<void> } | undefined;
  /** The thread that reads logs is there. */
  readonly isReading: () => boolean;
  /** As the configuration says at the moment. */
  readonly settings: () => AccountsSettings;
}

/** One login as Dovecot reports it; `remote` in canonical text. */
export interface LoginReport {
  readonly login: string;
  readonly remote: string;
  /** `imap`, `smtp`, …; empty where it was not told. */
  readonly protocol: string;
  readonly success: boolean;
  /** It failed because of our own answer. */
  readonly refused: boolean;
  /** It failed because something was broken. */
  readonly internal: boolean;
}

/** Services whose logins send mail. */
const mayMail = new Set(["smtp", "submission"]);

/** Logins wait this long for company on their way to the judge. */
const gatherMs = 100;
const askedMax = 2_000;

export class AccountsOwner implements LogPartOwner<Transaction<Tables>> {
  readonly name = accountsPartName;
  readonly #parts: AccountsOwnerParts;
  #kept: readonly Kept[] = [];
  #asked: AskedLogin[] = [];
  #timer: NodeJS.Timeout | undefined;
  #dropped = 0;
  #asking: Promise<void> | undefined;
  #contain: (account: string, reason: string) => Promise<unknown> = () => Promise.resolve();
  #toPart: (question: AccountsQuestion) => Promise<unknown> = () => Promise.reject(new Error("no log is read"));

  /** Where other nodes may share the store. */
  readonly #shared: SharedJudge | undefined;

  constructor(parts: AccountsOwnerParts) {
    this.#parts = parts;
    const ask = (question: AccountsQuestion) => this.#ask(question);
    const startFrom = (state: JudgeState) => this.#startFrom(state);
    if (parts.store.engine !== "postgres") return;
    const shared = new SharedJudge({ ...parts, ask, startFrom });
    this.#shared = shared;
    const failed = (error: unknown) => parts.log.warn("accounts.judge", { error: String(error) });
    // Another node wants to know how an account stands: whoever announced that does not wait for it.
    parts.store.changes.onChange((fact) => {
      if (fact === "orders") shared.answerLooks().catch(failed);
    });
  }

  /** Who judges may be another node: it is told though no log is read here. */
  get isShared(): boolean {
    return this.#shared !== undefined;
  }

  /** Nothing is known of any account. */
  isCold(): Promise<boolean> {
    const { store, node } = this.#parts;
    return hasNoJudgeState(store, [node, everyNode]);
  }

  /** What falls due without lines. */
  async work(): Promise<void> {
    // Nothing waits for a registry.
    this.#asking ??= this.#parts.registries
      ?.work()
      .catch((error: unknown) => this.#parts.log.warn("networks.registry", { error: String(error) }))
      .finally(() => {
        this.#asking = undefined;
      });
    await this.#shared?.work();
  }

  /** The node that judges, where several share a store. */
  async judging(): Promise<string | undefined> {
    return await this.#shared?.judging();
  }

  async prune(now: number): Promise<void> {
    await this.#shared?.prune(now);
  }

  /** Another node may judge. */
  async leave(): Promise<void> {
    await this.#shared?.leave();
  }

  /** Who contains an account, when the configuration says that this goes by itself. */
  containBy(contain: (account: string, reason: string) => Promise<unknown>): void {
    this.#contain = contain;
  }

  /** The way to the part in the logs thread. */
  use(ask: (question: AccountsQuestion) => Promise<unknown>): void {
    this.#toPart = ask;
  }

  async start(): Promise<AccountsStart> {
    const { store, node } = this.#parts;
    if (this.#shared === undefined) {
      await adoptJudgeState(store, { from: everyNode, to: node, node, now: this.#parts.clock.now() });
      return await this.#startFrom(await readJudgeState(store, node));
    }
    this.#shared.started();
    const mails = await readMails(store, everyNode, `${node}/`);
    return { ...(await this.#startFrom({ histories: [], site: new Map(), events: [], mails })), sharedAs: node };
  }

  async #startFrom(state: JudgeState): Promise<AccountsStart> {
    const { judge, accountOptions } = this.#parts.settings();
    return {
      ...{ settings: judge, accounts: accountOptions(), histories: state.histories, queue: state.mails },
      site: siteOf(state.site),
      marks: (await readMarkRows(this.#parts.store.facts)).flatMap(markOf),
      events: state.events.map(({ body }) => body),
      sequence: state.events.at(-1)?.sequence ?? Number(state.site.get("sequence") ?? 0),
    };
  }

  async write(tx: Transaction<Tables>, writes: readonly unknown[]): Promise<void> {
    const { clock } = this.#parts;
    const told = writes as readonly AccountsWrite[];
    const changes = this.#shared === undefined ? await this.#write(tx, told) : await this.#shared.write(tx, told);
    const { mode, breaker } = this.#parts.settings();
    this.#kept = changes.length === 0 ? [] : await keepWatches(tx, changes, { now: clock.now(), mode, breaker });
  }

  async #write(tx: Transaction<Tables>, writes: readonly AccountsWrite[]): Promise<readonly LevelChange[]> {
    const { node } = this.#parts;
    const changes: LevelChange[] = [];
    for (const write of writes) {
      if (write.kind === "change") changes.push(write.change);
      else if (write.kind === "events") await addJudgeEvents(tx, node, write);
      else if (write.kind === "checkpoint") {
        const { site, queue, ...rest } = write;
        const known = { ...site, sequence: String(write.sequence) };
        await saveJudgeCheckpoint(tx, node, { ...rest, mails: queue, site: known });
      }
    }
    return changes;
  }

  written(): void {
    const kept = this.#kept;
    this.#kept = [];
    if (kept.some(({ outcome }) => outcome === "watched" || outcome === "ended")) {
      const failed = (error: unknown) => this.#parts.log.error("accounts.not-told", { error: String(error) });
      void this.#parts.store.changes.announce("rules").catch(failed);
    }
    for (const { change, outcome } of kept) {
      const { account, level, score } = change;
      const word = outcome === "breaker" ? "error" : "info";
      this.#parts.log[word]("account_level", { account, level, score, outcome });
      const isFresh = outcome === "watched" || outcome === "watched_already";
      if (level === "high" && isFresh) this.#containHigh(change);
    }
  }

  #containHigh(change: LevelChange): void {
    const { mode, contain } = this.#parts.settings();
    if (mode !== "enforce" || contain !== "high") return;
    const failed = (error: unknown) => this.#parts.log.error("accounts.not-contained", { error: String(error) });
    void this.#contain(change.account, reasonOf(change)).catch(failed);
  }

  /** A login that Dovecot reports by its auth-policy requests. */
  seeReport({ login, remote, protocol, success, refused, internal }: LoginReport): void {
    // What we refused ourselves, and what broke, says nothing of whoever tried.
    if (refused || internal) return;
    const by = success && mayMail.has(protocol) ? "auth" : "asked";
    this.seeAsked({ at: this.#parts.clock.now(), user: login, ip: remote, method: null, by, failed: !success });
  }

  /** A login that Postfix asks about: no work on the road of the question. */
  seeAsked(login: AskedLogin): void {
    if (this.#asked.length >= askedMax) {
      this.#dropped++;
      return;
    }
    this.#asked.push(login);
    this.#timer ??= setTimeout(() => this.#tellAsked(), gatherMs);
    this.#timer.unref();
  }

  /** Logins that were left to the log, because too many came at once. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `[accounts] mode` and `watch_group`. */
  get mode(): "enforce" | "observe" {
    return this.#parts.settings().mode;
  }

  get watchGroup(): string {
    return this.#parts.settings().watchGroup;
  }

  /** An account as the judge sees it, and its messages; no view when it was never seen. */
  async look(account: string): Promise<{ readonly view: AccountView | undefined; readonly queue: readonly OwnMail[] }> {
    const { node, clock } = this.#parts;
    if (this.#shared === undefined) return { view: await this.view(account), queue: await this.queueOf(account) };
    const { view, queue } = await this.#shared.look(account, clock.now());
    return { view: this.#withNames(view), queue: queue.map(mailOf(node)) };
  }

  /** An account as the judge sees it; undefined when it was never seen. */
  async view(account: string): Promise<AccountView | undefined> {
    if (this.#shared !== undefined) return (await this.look(account)).view;
    const now = this.#parts.clock.now();
    return this.#withNames(((await this.#ask({ ask: "account", account, now })) as AccountView | null) ?? undefined);
  }

  #withNames(view: AccountView | undefined): AccountView | undefined {
    return view && { ...view, recent: view.recent.map((login) => this.#named(login)) };
  }

  #named(login: AccountView["recent"][number]): AccountView["recent"][number] {
    if (login.familiar) return login;
    return { ...login, registered: this.#parts.registries?.find(login.ip)?.name };
  }

  /** Queue ids of the account's messages, oldest first, each of a node. */
  async queueOf(account: string): Promise<readonly OwnMail[]> {
    const { node } = this.#parts;
    if (this.#shared !== undefined) return (await this.look(account)).queue;
    const queue = (await this.#ask({ ask: "queue", account })) as { queueId: string; at: number }[];
    return queue.map((mail) => ({ ...mail, node }));
  }

  /** Marks changed in the store: the judge takes them, and judges the account again. */
  async marksChanged(account: string): Promise<void> {
    const now = this.#parts.clock.now();
    if (this.#shared !== undefined) return void (await this.#shared.act({ act: "marks", account, at: now }));
    const marks = (await readMarkRows(this.#parts.store.facts)).flatMap(markOf);
    const again = account === "" ? {} : { account };
    await this.#ask({ ask: "marks", marks, now, ...again });
  }

  async reset(account: string): Promise<boolean> {
    const now = this.#parts.clock.now();
    if (this.#shared === undefined) return (await this.#ask({ ask: "reset", account, now })) === true;
    return await this.#shared.act({ act: "reset", account, at: now });
  }

  async erase(account: string): Promise<boolean> {
    const at = this.#parts.clock.now();
    if (this.#shared === undefined) return (await this.#ask({ ask: "erase", account })) === true;
    return await this.#shared.act({ act: "erase", account, at });
  }

  #ask(question: AccountsQuestion): Promise<AccountsAnswer> {
    return this.#toPart(question) as Promise<AccountsAnswer>;
  }

  #tellAsked(): void {
    this.#timer = undefined;
    const logins = this.#asked;
    this.#asked = [];
    // The log tells of them again: what is lost here is only time.
    this.#ask({ ask: "asked", logins, now: this.#parts.clock.now() }).catch(() => (this.#dropped += logins.length));
  }
}

/** A message in the queue of a node. */
export interface OwnMail {
  readonly queueId: string;
  readonly node: string;
  readonly at: number;
}

/** Ids of nodes that share a store have the node's name before them. */
function mailOf(own: string): (mail: { readonly queueId: string; readonly at: number }) => OwnMail {
  return ({ queueId, at }) => {
    const slash = queueId.lastIndexOf("/");
    return slash < 0
      ? { queueId, at, node: own }
      : { queueId: queueId.slice(slash + 1), at, node: queueId.slice(0, slash) };
  };
}

function siteOf(site: ReadonlyMap<string, string>): SiteRecord | undefined {
  const [known, guessers, victims] = ["known", "guessers", "victims"].map((key) => site.get(key));
  return known === undefined || guessers === undefined || victims === undefined
    ? undefined
    : { known, guessers, victims };
}

function markOf({ account, kind, value, from, until }: AccountMark): Mark[] {
  const known = markKinds.find((one): one is MarkKind => one === kind);
  return known === undefined ? [] : [{ account, kind: known, value, from, until }];
}
