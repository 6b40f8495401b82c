// What is known about one account: what it usually uses, what happened in the last day, how suspicious it is. Bounded; an idle
// account keeps only what it usually uses and costs less than two kilobytes.

import type { NetworkOfAddress } from "../networks/network-book.ts";
import type { JudgeSettings } from "./judge-settings.ts";
import { countryKey, textKey, type Use, useOf } from "./use-list.ts";

export const levels = ["calm", "notice", "watch", "high"] as const;
export type Level = (typeof levels)[number];

/** In the order of their numbers in records. */
export const askedBy = ["", "asked", "auth"] as const;
export type AskedBy = (typeof askedBy)[number];

/** One login of the last day. */
export interface Login {
  readonly at: number;
  readonly ip: string;
  readonly from: NetworkOfAddress;
  readonly use: Use;
  readonly countryUse: Use | undefined;
  /** The /24 or /48 of a rented server, whose neighbours belong to others. */
  readonly serverUse: Use | undefined;
  /** Undefined for IMAP and POP3, whose clients are others. */
  readonly mechanismUse: Use | undefined;
  /** Addresses that had failed on this account before, when the network was unfamiliar. */
  readonly guessedFrom: number;
  /** Accounts on which this very address had failed. */
  readonly guessedAccounts: number;
  /** Told of before its log does: asked about by Postfix or reported by Dovecot; auth: reported, and mail could follow. Empty once the log has. */
  asked: AskedBy;
}

/** One message that was sent from a network which was unfamiliar then. */
export interface SentMail {
  readonly login: Login;
  readonly at: number;
  readonly queueId: string;
  sizeBytes: number;
  recipients: number;
  bounced: number;
  /** Undefined until the queue tells of it. */
  sender: Use | undefined;
}

/** The same login at the beginning and the end, and another country between. */
export interface Crossing {
  readonly at: number;
  readonly country: string;
  readonly network: number;
}

/** What an administrator has said of an account. */
export interface Marks {
  /** Never under suspicion. */
  readonly exempt: boolean;
  /** Several people use it: where it is weighs less. */
  readonly shared: boolean;
  /** A device that never moves: any unfamiliar network is one too many. */
  readonly device: boolean;
  /** The owner said that it was them, or that they would be there. */
  isOwn(login: Pick<Login, "at" | "ip" | "from">): boolean;
}

export const noMarks: Marks = { exempt: false, shared: false, device: false, isOwn: () => false };

const networksMax = 48;
const countriesMax = 24;
const mechanismsMax = 6;
const serversMax = 8;
const sendersMax = 8;
const loginsMax = 200;
const mailsMax = 100;
const crossingsMax = 16;
const dayCountsMax = 14;
/** Then the hours count half: habits change. */
const hoursCountMax = 2_000;
const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** The history of one account. Time comes with each call and never runs back. */
export class AccountHistory {
  readonly name: string;
  firstAt: number;
  /** The last login. */
  seenAt: number;
  /** What an administrator has said of it. */
  marks: Marks = noMarks;
  /** Logins counted, over all time. */
  logins = 0;
  readonly networks: Use[] = [];
  readonly countries: Use[] = [];
  readonly mechanisms: Use[] = [];
  servers: Use[] = none;
  readonly senders: Use[] = [];
  /** The last day, oldest first; shared and empty while idle. */
  recent: Login[] = none;
  mails: SentMail[] = none;
  crossings: Crossing[] = none;
  /** Recipients of the last days on which mail was sent, and of this day. */
  readonly dayCounts: number[] = [];
  todayCount = 0;
  /** Logins from familiar networks by the hour of the day, in UTC; shared and empty until there is one. */
  hours: number[] = none;
  hoursCount = 0;
  /** Of mail from familiar networks, over all time. */
  sentRecipients = 0;
  sentBounced = 0;
  day = 0;
  /** No calm day: what was used on it does not become familiar. */
  alarmedToday = false;
  level: Level = "calm";
  levelAt = 0;
  score = 0;
  scoreAt = 0;
  /** When the score was last too high to leave a watch; at notice, when the last evidence came in that was worth it. */
  loudAt = 0;
  /** When it last left a watch; 0: never. */
  leftWatchAt = 0;
  /** It came back soon, and stays longer. */
  isBack = false;

  constructor(name: string, at: number) {
    this.name = name;
    this.firstAt = at;
    this.seenAt = at;
    this.day = Math.floor(at / dayMs);
  }

  /**
   * Ends the day when `at` is on another one: what was used becomes a day more familiar if all was calm. At level notice the networks
   * `isAtHome` tells of do so too, or a false notice would last for as long as the owner uses them.
   */
  turnDay(
    at: number,
    credited: (use: Use, isCountry: boolean) => void,
    isAtHome: (login: Login) => boolean = () => false,
  ): void {
    const today = Math.floor(at / dayMs);
    if (today <= this.day) return;
    if (!this.alarmedToday) {
      // What was used from abroad while the owner sat at home does not become familiar by being patient.
      const crossed = new Set(this.crossings.flatMap(({ network, country }) => [network, countryKey(country)]));
      credit(this.networks, this.day, (use) => credited(use, false), crossed);
      credit(this.countries, this.day, (use) => credited(use, true), crossed);
      credit(this.servers, this.day);
      credit(this.mechanisms, this.day);
      credit(this.senders, this.day);
    } else if (this.level === "notice") {
      const atHome = new Set<Use>();
      for (const login of this.recent) if (isAtHome(login)) atHome.add(login.use);
      credit([...atHome], this.day, (use) => credited(use, false));
    }
    if (this.todayCount > 0) {
      if (!this.alarmedToday) this.dayCounts.push(this.todayCount);
      if (this.dayCounts.length > dayCountsMax) this.dayCounts.shift();
    }
    this.todayCount = 0;
    this.alarmedToday = this.level !== "calm";
    this.day = today;
  }

  /** The owner was at work at this time. */
  addHour(at: number): void {
    if (this.hours.length === 0) this.hours = Array<number>(24).fill(0);
    const hour = Math.floor(at / hourMs) % 24;
    this.hours[hour] = (this.hours[hour] ?? 0) + 1;
    this.hoursCount++;
    if (this.hoursCount < hoursCountMax) return;
    this.hours = this.hours.map((count) => count >> 1);
    this.hoursCount = this.hours.reduce((sum, count) => sum + count, 0);
  }

  /** The share of the owner's logins at this time of day, an hour more or less; 1 until `min` logins are known. */
  shareOfHour(at: number, min: number): number {
    if (this.hoursCount < Math.max(1, min)) return 1;
    const hour = Math.floor(at / hourMs);
    let near = 0;
    for (const h of [hour - 1, hour, hour + 1]) near += this.hours[((h % 24) + 24) % 24] ?? 0;
    return near / this.hoursCount;
  }

  useNetwork(key: number): Use {
    return useOf(this.networks, key, this.day, networksMax);
  }

  useCountry(country: string): Use | undefined {
    return country === "" ? undefined : useOf(this.countries, countryKey(country), this.day, countriesMax);
  }

  useServer(prefix: number): Use {
    if (this.servers.length === 0) this.servers = [];
    return useOf(this.servers, prefix, this.day, serversMax);
  }

  useMechanism(name: string): Use {
    return useOf(this.mechanisms, textKey(name.toUpperCase()), this.day, mechanismsMax);
  }

  useSender(key: number): Use {
    return useOf(this.senders, key, this.day, sendersMax);
  }

  addLogin(login: Login): void {
    if (this.recent.length === 0) this.recent = [];
    else if (this.recent.length >= loginsMax) this.recent.splice(0, loginsMax / 4);
    this.recent.push(login);
    this.seenAt = Math.max(this.seenAt, login.at);
    this.logins++;
  }

  addMail(mail: SentMail): void {
    if (this.mails.length === 0) this.mails = [];
    else if (this.mails.length >= mailsMax) this.mails.splice(0, mailsMax / 4);
    this.mails.push(mail);
  }

  addCrossing(crossing: Crossing): void {
    if (this.crossings.length === 0) this.crossings = [];
    else if (this.crossings.length >= crossingsMax) this.crossings.shift();
    this.crossings.push(crossing);
  }

  /** Drops what has left the windows. */
  forget(at: number, settings: JudgeSettings): void {
    this.recent = youngerThan(this.recent, at - settings.loginWindowMs);
    this.mails = youngerThan(this.mails, at - settings.mailWindowMs);
    this.crossings = youngerThan(this.crossings, at - settings.mailWindowMs);
  }

  /** Counts what an older history of the same account counted. */
  learnOf(old: AccountHistory): void {
    this.firstAt = Math.min(this.firstAt, old.firstAt);
    this.seenAt = Math.max(this.seenAt, old.seenAt);
    this.logins += old.logins;
    this.sentRecipients += old.sentRecipients;
    this.sentBounced += old.sentBounced;
  }

  /** The alarm is over: the windows are empty, what is familiar stays so. */
  reset(): void {
    this.recent = none;
    this.mails = none;
    this.crossings = none;
    this.level = "calm";
    this.score = 0;
    this.loudAt = 0;
  }

  get isIdle(): boolean {
    return this.recent.length + this.mails.length + this.crossings.length === 0 && this.level === "calm";
  }

  isFamiliar(use: Use, settings: JudgeSettings): boolean {
    return use.calmDays >= settings.familiar.calmDays && this.day - use.lastDay <= settings.familiar.forgetDays;
  }

  isLearning(at: number, settings: JudgeSettings): boolean {
    return this.logins < settings.learning.logins || at - this.firstAt < settings.learning.days * dayMs;
  }

  /** The share of this account's recipients that bounces, never below `usual`, which counts as much as a hundred recipients. */
  usualBounceShare(usual: number): number {
    return Math.max(usual, (this.sentBounced + usual * 100) / (this.sentRecipients + 100));
  }

  /** The 90th percentile of recipients a day; undefined until four days are known. */
  usualRecipients(): number | undefined {
    if (this.dayCounts.length < 4) return undefined;
    const sorted = [...this.dayCounts].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.9)];
  }
}

/** One empty array for every idle account; never pushed to. */
const none: never[] = [];

function credit(uses: readonly Use[], day: number, credited?: (use: Use) => void, crossed?: ReadonlySet<number>): void {
  for (const use of uses) {
    if (use.lastDay !== day || crossed?.has(use.key) === true) continue;
    use.calmDays++;
    if (use.calmDays === 1) credited?.(use);
  }
}

function youngerThan<T extends { readonly at: number }>(list: T[], since: number): T[] {
  const first = list[0];
  if (first === undefined || first.at >= since) return list;
  const index = list.findIndex((entry) => entry.at >= since);
  return index < 0 ? none : list.slice(index);
}
