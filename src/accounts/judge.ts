// The judge: mail events in, changes of level out. It keeps a history of every account, reads no clock and has no timers: the same
// events and settings give the same changes, live or from an old log.

import type { Accounts } from "../core/account.ts";
import type { MailEvent } from "../core/event.ts";
import type { NetworkOfAddress } from "../networks/network-book.ts";
import { AccountBook } from "./account-book.ts";
import type { AccountHistory, AskedBy, Level, Login } from "./account-history.ts";
import {
  type Evidence,
  freshAt,
  gatherEvidence,
  isAbroad,
  isAtHome,
  isQuiet,
  isStrangePlace,
  isUnfamiliar,
  type NetworkNames,
  networkText,
} from "./evidence.ts";
import type { JudgeSettings } from "./judge-settings.ts";
import { askedMs, findAsked, isRepeated } from "./same-login.ts";
import { type Score, scoreOf } from "./score.ts";
import { SentQueue } from "./sent-queue.ts";
import { SiteKnowledge } from "./site-knowledge.ts";
import { changeLevel, isWatch } from "./suspicion.ts";
import { textKey, type Use } from "./use-list.ts";

/** An account is at another level, and why. */
export interface LevelChange {
  readonly account: string;
  readonly at: number;
  readonly level: Level;
  readonly score: number;
  /** Distinct ones of the last day. */
  readonly countries: number;
  readonly networks: number;
  readonly signals: readonly SignalView[];
  /** The last unfamiliar logins, one a network. */
  readonly logins: readonly LoginView[];
}

export interface SignalView {
  readonly name: string;
  readonly points: number;
  readonly because: string;
}

export interface LoginView {
  readonly at: number;
  readonly ip: string;
  /** `AS64500 Name (UA)`. */
  readonly network: string;
}

/** A login that Postfix asked us about, or Dovecot reported: a log may tell of it too, a moment later. */
export interface AskedLogin extends Pick<MailEvent, "at" | "ip" | "user" | "method"> {
  readonly by: Exclude<AskedBy, "">;
  /** The password was wrong. */
  readonly failed: boolean;
}

/** Knows what addresses belong to. */
export interface NetworkFinder extends NetworkNames {
  find(ip: string): NetworkOfAddress | undefined;
}

export interface JudgeParts {
  readonly settings: JudgeSettings;
  readonly accounts: Accounts;
  readonly networks: NetworkFinder;
  onChange(change: LevelChange): void;
  /** Accounts that are idle are folded up: less memory, some more work. */
  readonly folds?: boolean;
}

const loginsShown = 6;
/** Lines of several hosts and processes may come this late; older ones were seen before. */
const lateMs = 3_600_000;
const reviewMs = 600_000;
const tidyMs = 86_400_000;
const nothing: Score = { score: 0, findings: [] };

export class Judge {
  readonly #settings: JudgeSettings;
  readonly #parts: JudgeParts;
  readonly site: SiteKnowledge;
  readonly book: AccountBook;
  /** Accounts above calm, in the order in which they rose. */
  readonly #raised = new Set<AccountHistory>();
  readonly queue = new SentQueue();
  #now = 0;
  #reviewAt = 0;
  #tidyAt = 0;
  #late = 0;

  constructor(parts: JudgeParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    this.site = new SiteKnowledge(parts.settings);
    this.book = new AccountBook(parts.settings, parts.networks);
  }

  /** Accounts with a history. */
  get size(): number {
    return this.book.size;
  }

  /** Events that were left out because they lay behind what had been seen. */
  get late(): number {
    return this.#late;
  }

  /** One event, in the order of the log. */
  see(event: MailEvent): void {
    const { at } = event;
    if (at < this.#now - lateMs) {
      this.#late++;
      return;
    }
    if (at > this.#now) this.#now = at;
    if (at >= this.#reviewAt) this.due(at);
    switch (event.kind) {
      case "login":
        return this.#seeLogin(event);
      case "auth_failure":
        return this.#seeFailure(event);
      case "queued":
        return this.#seeQueued(event);
      case "bounced":
        return this.#seeBounced(event);
      default:
        return;
    }
  }

  /** What falls due without an event: levels that end, windows that close. */
  due(now: number): void {
    this.#reviewAt = now + reviewMs;
    for (const account of [...this.#raised]) {
      this.#turnDay(account, now);
      this.#evaluate(account, now);
    }
    if (now < this.#tidyAt) return;
    this.#tidyAt = now + tidyMs;
    this.site.tidy(now);
    this.book.tidy(now, this.#parts.folds ?? false);
  }

  #seeLogin(event: MailEvent): void {
    const { at, ip, method, source } = event;
    const from = ip === null ? undefined : this.#parts.networks.find(ip);
    if (event.user === null || event.user === "" || ip === null || from === undefined) return;
    if (event.queueId !== null && this.#isKnown(event.queueId, event.at)) return;
    const name = this.#parts.accounts.canonical(event.user);
    const account = this.book.open(name, event.at);
    this.#turnDay(account, event.at);
    const known = findAsked(account, from.line, event);
    const login = known ?? this.#login(account, { at, ip, method, source }, from);
    if (event.queueId === null && isRepeated(account, login)) return;
    if (known === undefined) this.#addLogin(account, login);
    else known.asked = "";
    if (event.queueId !== null) this.#queueMail(account, login, event.queueId);
    this.#evaluate(account, event.at);
  }

  #addLogin(account: AccountHistory, login: Login): void {
    account.addLogin(login);
    if (!isUnfamiliar(account, login, this.#settings)) account.addHour(login.at);
    this.site.addSuccess(account.name, login.from.line, login.at);
    this.#findCrossing(account, login);
  }

  #login(
    account: AccountHistory,
    event: Pick<MailEvent, "at" | "method" | "source"> & { readonly ip: string },
    from: NetworkOfAddress,
  ): Login {
    const draft = {
      at: event.at,
      ip: event.ip,
      from,
      use: account.useNetwork(from.network),
      countryUse: from.kind === "access" ? account.useCountry(from.country) : undefined,
      serverUse: from.kind === "hosting" ? account.useServer(from.prefix) : undefined,
      mechanismUse:
        event.source === "postfix" && event.method !== null ? account.useMechanism(event.method) : undefined,
      guessedFrom: 0,
      guessedAccounts: 0,
      asked: "" as AskedBy,
    };
    if (!isUnfamiliar(account, draft, this.#settings)) return draft;
    return {
      ...draft,
      guessedFrom: this.site.guessedFrom(account.name, event.at),
      guessedAccounts: this.site.guessedAccounts(account.name, from.line, event.at),
    };
  }

  #queueMail(account: AccountHistory, login: Login, queueId: string): void {
    const mail = isStrangePlace(account, login, this.#settings)
      ? { login, at: login.at, queueId, sizeBytes: 0, recipients: 0, bounced: 0, sender: undefined }
      : undefined;
    if (mail !== undefined) account.addMail(mail);
    this.queue.add(queueId, { account, mail, counted: false, at: login.at });
  }

  /** The same log read twice names a message that we know already. */
  #isKnown(queueId: string, at: number): boolean {
    const known = this.queue.find(queueId);
    return known !== undefined && known.at === at;
  }

  #seeFailure(event: MailEvent): void {
    if (event.user === null || event.user === "" || event.ip === null) return;
    const from = this.#parts.networks.find(event.ip);
    if (from !== undefined) this.site.addFailure(this.#parts.accounts.canonical(event.user), from.line, event.at);
  }

  #seeQueued(event: MailEvent): void {
    const queued = event.queueId === null ? undefined : this.queue.find(event.queueId);
    if (queued === undefined || queued.counted) return;
    queued.counted = true;
    const { account, mail } = queued;
    const recipients = event.recipients ?? 0;
    this.book.touch(account);
    this.queue.touch(event.queueId ?? "");
    this.#turnDay(account, event.at);
    account.todayCount += recipients;
    const sender = textKey((event.sender ?? "").toLowerCase());
    const use = account.useSender(sender);
    if (mail === undefined) {
      account.sentRecipients += recipients;
      return;
    }
    mail.recipients = recipients;
    mail.sizeBytes = event.sizeBytes ?? 0;
    mail.sender = use;
    this.#evaluate(account, event.at);
  }

  #seeBounced(event: MailEvent): void {
    const queued = event.queueId === null ? undefined : this.queue.find(event.queueId);
    if (queued === undefined) return;
    this.book.touch(queued.account);
    if (queued.mail === undefined) {
      queued.account.sentBounced++;
      return;
    }
    queued.mail.bounced++;
    this.#evaluate(queued.account, event.at);
  }

  /** Looks for the same address before `login`, and for an unfamiliar country between. */
  #findCrossing(account: AccountHistory, login: Login): void {
    const { recent } = account;
    const { from } = login;
    if (recent.length < 3 || from.kind !== "access" || isAbroad(account, login, this.#settings, this.site)) return;
    let between: Login | undefined;
    for (let i = recent.length - 2; i >= 0; i--) {
      const earlier = recent[i];
      if (earlier === undefined || login.at - earlier.at > this.#settings.twoPlaces.withinMs) return;
      if (earlier.from.line === from.line) {
        if (between === undefined) return;
        account.addCrossing({ at: login.at, country: between.from.country, network: between.from.network });
        return;
      }
      if (isAbroad(account, earlier, this.#settings, this.site)) between = earlier;
    }
  }

  #evaluate(account: AccountHistory, at: number): void {
    // Nothing rises above high: a flood of one account's events is looked at with the reviews.
    if (account.level === "high" && at - account.scoreAt < reviewMs) return;
    account.forget(at, this.#settings);
    const isClear = account.marks.exempt || isQuiet(account, this.#settings);
    if (isClear && account.score === 0 && account.level === "calm") return;
    const evidence = gatherEvidence(account, at, this.#settings, this.site, this.#parts.networks);
    const { score, findings } = isClear ? nothing : scoreOf(evidence);
    const changed = changeLevel(account, { at, score, freshAt: freshAt(evidence) }, this.#settings);
    if (!changed) return;
    if (account.level === "calm") this.#raised.delete(account);
    else this.#raised.add(account);
    this.#parts.onChange({
      account: account.name,
      at,
      level: account.level,
      score: Math.round(account.score),
      countries: new Set(account.recent.map((login) => login.from.country).filter((country) => country !== "")).size,
      networks: new Set(account.recent.map((login) => login.from.network)).size,
      signals: findings.map(({ name, points, because }) => ({ name, points, because: because() })),
      logins: this.viewLogins([...evidence.networks.values()].slice(-loginsShown)),
    });
  }

  viewLogins(logins: readonly Login[]): readonly LoginView[] {
    return logins.map((login) => ({ at: login.at, ip: login.ip, network: networkText(login, this.#parts.networks) }));
  }

  /** How an account stands at `at`, without changing it. Undefined when it was never seen. */
  look(name: string, at: number): { readonly account: AccountHistory; readonly evidence: Evidence } | undefined {
    const account = this.book.find(name);
    if (account === undefined) return undefined;
    return { account, evidence: gatherEvidence(account, at, this.#settings, this.site, this.#parts.networks) };
  }

  /** Goes on with an account whose level is not calm, after its history was loaded. */
  resume(name: string): void {
    const account = this.book.find(name);
    if (account !== undefined && account.level !== "calm") this.#raised.add(account);
  }

  /** The alarm of an account is over: it was given back to its owner. */
  reset(name: string, at: number): boolean {
    const account = this.book.find(name);
    if (account === undefined) return false;
    const wasCalm = account.level === "calm";
    // Who gave it back believes that it is over: when it comes again soon, that was wrong.
    if (isWatch(account.level)) account.leftWatchAt = at;
    account.reset();
    account.levelAt = at;
    this.#raised.delete(account);
    this.book.touch(account);
    const { name: of } = account;
    if (!wasCalm)
      this.#parts.onChange({
        account: of,
        at,
        level: "calm",
        score: 0,
        countries: 0,
        networks: 0,
        signals: [],
        logins: [],
      });
    return true;
  }

  erase(name: string): boolean {
    const account = this.book.find(name);
    if (account !== undefined) this.#raised.delete(account);
    this.queue.eraseAccount(name);
    return this.book.erase(name);
  }

  /** Judges an account again, after what an administrator said of it changed. */
  judgeAgain(name: string, at: number): void {
    const account = this.book.find(name);
    if (account === undefined) return;
    this.#turnDay(account, at);
    const wasWatched = isWatch(account.level);
    // What was said counts at once: nothing of before fades, and no quiet is waited for.
    account.score = 0;
    account.scoreAt = 0;
    account.loudAt = 0;
    account.levelAt = 0;
    this.#evaluate(account, at);
    // What was a mistake is no watch that it left.
    if (wasWatched && account.level === "calm") account.leftWatchAt = 0;
  }

  /** A login that Postfix asks about, or that Dovecot reports. */
  seeAsked({ at, ip, user, method, by, failed }: AskedLogin): void {
    const from = ip === null ? undefined : this.#parts.networks.find(ip);
    if (user === null || user === "" || ip === null || from === undefined || at < this.#now - lateMs) return;
    if (at > this.#now) this.#now = at;
    const name = this.#parts.accounts.canonical(user);
    if (failed) return this.site.addFailure(name, from.line, at);
    const account = this.book.open(name, at);
    this.#turnDay(account, at);
    if (account.recent.some((login) => login.from.line === from.line && Math.abs(at - login.at) <= askedMs)) return;
    const login = this.#login(account, { at, ip, method, source: "postfix" }, from);
    login.asked = by;
    this.#addLogin(account, login);
    this.#evaluate(account, at);
  }

  #turnDay(account: AccountHistory, at: number): void {
    account.turnDay(at, this.credited(account), (login) => isAtHome(account, login, this.#settings, this.site));
  }

  /** Tells the site what an account has used on its first calm day. */
  credited(account: AccountHistory): (use: Use, isCountry: boolean) => void {
    return (use, isCountry) => {
      if (!isCountry) return this.site.addNetwork(use.key);
      this.site.addCountry(
        use.key,
        account.countries.every((other) => other === use || other.calmDays === 0),
      );
    };
  }
}
