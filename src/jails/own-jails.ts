// The own jails over mail events: who failed, who is spared, and what a successful login takes back.

import type { MailEvent, MailKind } from "../core/event.ts";
import { type Ip, parseIp } from "../core/ip.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { FailureBudget } from "./failure-budget.ts";
import { type GoodLogin, GoodLogins } from "./good-logins.ts";
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
  readonly isTrusted: (address: Ip) => boolean;
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

/** Whose event it is, and when it counts as having happened. */
interface Who {
  readonly ip: Ip;
  /** The same as text. */
  readonly address: string;
  readonly at: number;
  readonly now: number;
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

  /** One event. `at`: when it counts as having happened; `batch` has its line, which is kept when it is a failure. */
  see(event: MailEvent, refused: number, at: number, now: number, batch: LineBatch): OwnOutcome {
    const interested = this.#byKind.get(event.kind);
    if (event.ip === null || (interested === undefined && event.kind !== "login")) return nothing;
    const ip = parseIp(event.ip);
    if (ip === undefined) return nothing;
    const who = { ip, address: event.ip, at, now };
    if (interested === undefined) return { tickets: [], login: this.#login(who, event.user) };
    let seen: EventSeen | undefined;
    let tickets: Ticket[] | undefined;
    for (const running of interested) {
      if (running.jail.isOld(at, now)) continue;
      seen ??= { event, ip, refused, account: this.#accountOf(event.user), now };
      const failures = running.plug.failures(seen, this.#site);
      if (failures === 0) continue;
      if (this.#options.isTrusted(ip)) running.jail.counts.exempt++;
      else {
        const more = this.#fail(running, who, seen.account, failures, this.#keepLine(event, batch));
        if (more.length > 0) tickets = tickets === undefined ? more : [...tickets, ...more];
      }
    }
    return tickets === undefined ? nothing : { tickets, login: undefined };
  }

  /** An event of an old log that is read again: only what makes somebody known. */
  learn({ kind, ip, user }: MailEvent, at: number): OwnOutcome {
    const address = kind !== "login" || ip === null ? undefined : parseIp(ip);
    if (address === undefined || user === null) return nothing;
    return { tickets: [], login: this.#good.see(address, this.#accountOf(user), at) };
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

  #keepLine({ line }: MailEvent, { bytes, starts, ends }: LineBatch): number {
    return this.#options.lines.keep(bytes, starts[line] ?? 0, ends[line] ?? 0);
  }

  #accountOf(user: string | null): string {
    return user === null ? "" : this.#options.canonical(user);
  }

  #login({ ip, address, at, now }: Who, user: string | null): GoodLogin | undefined {
    const account = this.#accountOf(user);
    for (const { plug, jail, mild } of this.#running) {
      // What failed before a login of long ago is forgotten anyway.
      if (plug.isMild === undefined || at <= now - jail.setting.findtimeMs) continue;
      const mark = markOf(account);
      jail.lower(address, mark);
      mild?.lower(address, mark);
    }
    return this.#good.see(ip, account, at);
  }

  #fail({ plug, jail, mild }: Running, who: Who, account: string, failures: number, line: number): Ticket[] {
    const { address, at, now } = who;
    const mark = markOf(account);
    const failed = { at, line, mark };
    if (plug.countsAccountsOnce && jail.has(address, mark, at)) return [];
    const because = mild === undefined ? undefined : this.#whyMild(who, account);
    if (mild !== undefined && because !== undefined) {
      jail.counts.softened += failures;
      this.#noteSoftened({ jail: plug.name, at, address, account, because });
      return times(failures, () => mild.fail(address, failed, now));
    }
    const tickets = times(failures, () => jail.fail(address, failed, now));
    if (plug.countsByAccount && account !== "") tickets.push(...jail.failAccount(account, address, failed, now));
    return tickets;
  }

  #whyMild({ ip, now }: Who, account: string): Softened["because"] | undefined {
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

function times(count: number, work: () => Ticket[]): Ticket[] {
  if (count === 1) return work();
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
