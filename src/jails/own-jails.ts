// The own jails over mail events: who failed, who is spared, and what a successful login takes back.

import type { MailEvent, MailKind } from "../core/event.ts";
import type { FailureBudget } from "./failure-budget.ts";
import type { GoodLogin } from "./good-logins.ts";
import { GoodLogins } from "./good-logins.ts";
import { Jail, type JailSetting } from "./jail.ts";
import type { LineMemory } from "./line-memory.ts";
import { ownJails } from "./own/index.ts";
import type { EventSeen, JailSite, OwnJail } from "./own-jail.ts";
import type { Ticket } from "./ticket.ts";

/** How mildly wrong passwords are counted. */
export interface Mildness {
  /** undefined: as any other failure. */
  readonly factor: number | undefined;
  readonly keepMs: number;
  /** Accounts that logged in from one address and make it a shared one. */
  readonly accounts: number;
  readonly bantimeMs: number;
}

export interface OwnJailsOptions {
  /** Those that are on, by the names of own/. */
  readonly settings: readonly JailSetting[];
  readonly mildness: Mildness;
  readonly canonical: (login: string) => string;
  readonly isTrusted: (address: string) => boolean;
  readonly lines: LineMemory;
  readonly quotaTexts: readonly string[];
  /** All jails' together. */
  readonly budget: FailureBudget;
}

/** One failure that was treated mildly, for people. */
export interface Softened {
  readonly jail: string;
  readonly at: number;
  readonly address: string;
  readonly account: string;
  readonly because: "known account" | "shared address";
}

const softenedKept = 20;
const mildEnd = "-mild";

/** The jail that people know by the name that something was counted under. */
export function namedJail(counted: string): string {
  const name = counted.slice(0, -mildEnd.length);
  return counted.endsWith(mildEnd) && ownJails.some((plug) => plug.name === name) ? name : counted;
}

interface Running {
  readonly plug: OwnJail;
  readonly jail: Jail;
  /** Counts what was treated mildly, to a higher maxretry. */
  readonly mild: Jail | undefined;
}

/** What one event leads to. */
export interface OwnOutcome {
  readonly tickets: readonly Ticket[];
  readonly login: GoodLogin | undefined;
}

const nothing: OwnOutcome = { tickets: [], login: undefined };

export class OwnJails {
  readonly #options: OwnJailsOptions;
  readonly #running: readonly Running[];
  readonly #byKind: ReadonlyMap<MailKind, readonly Running[]>;
  readonly #good: GoodLogins;
  readonly #site: JailSite;
  readonly #softened: Softened[] = [];
  #quotaTexts: readonly QuotaText[];

  constructor(options: OwnJailsOptions) {
    this.#options = options;
    this.#quotaTexts = options.quotaTexts.map(readQuotaText);
    this.#good = new GoodLogins(options.mildness.keepMs);
    this.#running = ownJails.flatMap((plug) => {
      const setting = options.settings.find(({ name }) => name === plug.name);
      return setting === undefined ? [] : [this.#makeRunning(plug, setting)];
    });
    this.#byKind = Map.groupBy(this.#running, ({ plug }) => plug.kind);
    this.#site = {
      isQuotaRefusal: (reason) => this.#quotaTexts.some((text) => isRefusedWith(reason, text)),
      isKnownHere: (ip, account, now) => this.#good.knows(ip, account, now),
    };
  }

  get jails(): readonly Jail[] {
    return this.#running.flatMap(({ jail, mild }) => (mild === undefined ? [jail] : [jail, mild]));
  }

  get softened(): readonly Softened[] {
    return this.#softened;
  }

  useQuotaTexts(texts: readonly string[]): void {
    this.#quotaTexts = texts.map(readQuotaText);
  }

  restoreLogin(login: GoodLogin): void {
    this.#good.restore(login);
  }

  /** One event. `at`: when it counts as having happened; `keepLine` keeps its line when it is a failure. */
  see(event: MailEvent, refused: number, at: number, now: number, keepLine: () => number): OwnOutcome {
    const interested = this.#byKind.get(event.kind);
    if (event.ip === null || (interested === undefined && event.kind !== "login")) return nothing;
    const account = event.user === null ? "" : this.#options.canonical(event.user);
    if (interested === undefined) return { tickets: [], login: this.#login(event.ip, account, at) };
    const seen: EventSeen = { event, refused, account, now };
    const tickets: Ticket[] = [];
    for (const running of interested) {
      const failures = running.plug.failures(seen, this.#site);
      if (failures === 0) continue;
      if (this.#options.isTrusted(event.ip)) running.jail.counts.exempt++;
      else tickets.push(...this.#fail(running, event.ip, { at, account, failures, now, line: keepLine() }));
    }
    return tickets.length === 0 ? nothing : { tickets, login: undefined };
  }

  /** An event of an old log that is read again: only what makes somebody known. */
  learn({ kind, ip, user }: MailEvent, at: number): OwnOutcome {
    if (kind !== "login" || ip === null || user === null) return nothing;
    return { tickets: [], login: this.#good.see(ip, this.#options.canonical(user), at) };
  }

  #makeRunning(plug: OwnJail, setting: JailSetting): Running {
    const { lines, mildness, budget } = this.#options;
    const { factor, bantimeMs } = mildness;
    const jail = new Jail(setting, lines, budget);
    if (plug.isMild === undefined || factor === undefined) return { plug, jail, mild: undefined };
    const mildTime = setting.bantimeMs === undefined ? bantimeMs : Math.min(bantimeMs, setting.bantimeMs);
    const mildSetting = { ...setting, maxretry: setting.maxretry * factor, bantimeMs: mildTime, subnets: undefined };
    const names = { name: `${setting.name}${mildEnd}`, bansAs: setting.name, what: `${setting.what}, treated mildly,` };
    return { plug, jail, mild: new Jail({ ...mildSetting, ...names }, lines, budget) };
  }

  #login(ip: string, account: string, at: number): GoodLogin | undefined {
    const mark = markOf(account);
    for (const { plug, jail, mild } of this.#running) {
      if (plug.isMild === undefined) continue;
      jail.lower(ip, mark);
      mild?.lower(ip, mark);
    }
    return this.#good.see(ip, account, at);
  }

  #fail(
    { plug, jail, mild }: Running,
    ip: string,
    { at, account, failures, now, line }: { at: number; account: string; failures: number; now: number; line: number },
  ): readonly Ticket[] {
    const mark = markOf(account);
    const failed = { at, line, mark };
    if (plug.countsAccountsOnce && jail.has(ip, mark, at)) return [];
    const because = mild === undefined ? undefined : this.#whyMild(ip, account, now);
    if (mild !== undefined && because !== undefined) {
      jail.counts.softened += failures;
      this.#noteSoftened({ jail: plug.name, at, address: ip, account, because });
      return times(failures, () => mild.fail(ip, failed, now));
    }
    const tickets = times(failures, () => jail.fail(ip, failed, now));
    if (plug.countsByAccount && account !== "") tickets.push(...jail.failAccount(account, ip, failed, now));
    return tickets;
  }

  #whyMild(ip: string, account: string, now: number): Softened["because"] | undefined {
    if (account !== "" && this.#good.knows(ip, account, now)) return "known account";
    const { accounts } = this.#options.mildness;
    return this.#good.accountsAt(ip, now, accounts) >= accounts ? "shared address" : undefined;
  }

  #noteSoftened(softened: Softened): void {
    this.#softened.push(softened);
    if (this.#softened.length > softenedKept) this.#softened.shift();
  }
}

/** Dovecot tells many attempts in one line; more than this of them make no difference. */
const attemptsMax = 100;

function times(count: number, work: () => readonly Ticket[]): Ticket[] {
  const tickets: Ticket[] = [];
  for (let i = 0; i < Math.min(count, attemptsMax); i++) tickets.push(...work());
  return tickets;
}

/** The text of a quota: whole, or before and behind `{id}`, which was filled in for each answer. */
interface QuotaText {
  readonly first: string;
  readonly last: string | undefined;
}

function readQuotaText(text: string): QuotaText {
  const [first = "", last] = text.split("{id}");
  return { first: `rejected: ${first}`, last };
}

/** `554 5.7.1 <to>: Recipient address rejected: TEXT`: ours stands at the end, behind Postfix's own words. */
function isRefusedWith(reason: string, { first, last }: QuotaText): boolean {
  return last === undefined ? reason.endsWith(first) : reason.endsWith(last) && reason.includes(first);
}

/** FNV-1a: tells accounts of one address apart. */
function markOf(account: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < account.length; i++) hash = Math.imul(hash ^ account.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
