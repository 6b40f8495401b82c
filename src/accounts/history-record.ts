// The history of an account as one line of text: how it lies in the store, and in memory while the account is idle. What is read
// back judges as what was written; a login's network is looked up again, so that newer network data take effect.

import type { NetworkOfAddress } from "../networks/network-book.ts";
import {
  AccountHistory,
  askedBy,
  type Crossing,
  type Level,
  type Login,
  levels,
  type SentMail,
} from "./account-history.ts";
import { countryKey, type Use } from "./use-list.ts";

/** The first item of each record; a record of another form is not read. */
const form = 1;

/** Knows what an address belongs to. */
export interface AddressFinder {
  find(ip: string): NetworkOfAddress | undefined;
}

type LoginRecord = readonly [
  at: number,
  ip: string,
  mechanism: number,
  guessedFrom: number,
  guessedAccounts: number,
  asked: number,
];
type MailRecord = readonly [
  at: number,
  queueId: string,
  sizeBytes: number,
  recipients: number,
  bounced: number,
  sender: number,
  login: number | LoginRecord,
];

/** The record of an account; about 200 bytes when it is idle. */
export function printHistory(account: AccountHistory): string {
  const { recent } = account;
  const places = new Map(recent.map((login, index) => [login, index]));
  return JSON.stringify([
    ...[form, account.firstAt, account.seenAt, account.logins, account.day, Number(account.alarmedToday)],
    ...[levels.indexOf(account.level), account.levelAt, account.score, account.scoreAt, account.loudAt],
    ...[account.todayCount, account.sentRecipients, account.sentBounced, account.dayCounts],
    ...[account.networks, account.countries, account.mechanisms, account.servers, account.senders].map(flatten),
    recent.map(printLogin),
    account.mails.map((mail) => printMail(mail, places)),
    account.crossings.map(({ at, country, network }) => [at, country, network]),
    account.hours,
    ...(account.leftWatchAt === 0 ? [] : [[account.leftWatchAt, Number(account.isBack)]]),
  ]);
}

function flatten(uses: readonly Use[]): number[] {
  return uses.flatMap(({ key, firstDay, lastDay, calmDays }) => [key, firstDay, lastDay, calmDays]);
}

function printLogin(login: Login): LoginRecord {
  const { at, ip, mechanismUse, guessedFrom, guessedAccounts, asked } = login;
  return [at, ip, mechanismUse?.key ?? -1, guessedFrom, guessedAccounts, askedBy.indexOf(asked)];
}

function printMail(mail: SentMail, places: ReadonlyMap<Login, number>): MailRecord {
  const { at, queueId, sizeBytes, recipients, bounced, sender, login } = mail;
  return [at, queueId, sizeBytes, recipients, bounced, sender?.key ?? -1, places.get(login) ?? printLogin(login)];
}

/** The account of a record; undefined when it is of another form. */
export function parseHistory(name: string, text: string, networks: AddressFinder): AccountHistory | undefined {
  const items = parseItems(text);
  if (items === undefined || items[0] !== form) return undefined;
  const numbers = items.slice(1, 14).map(Number);
  const [firstAt = 0, seenAt = 0, logins = 0, day = 0, alarmed = 0, level = 0, levelAt = 0] = numbers;
  const [score = 0, scoreAt = 0, loudAt = 0, todayCount = 0, sentRecipients = 0, sentBounced = 0] = numbers.slice(7);
  const account = new AccountHistory(name, firstAt);
  Object.assign(account, { seenAt, logins, day, levelAt, score, scoreAt, loudAt, todayCount });
  Object.assign(account, { sentRecipients, sentBounced, alarmedToday: alarmed === 1 });
  account.level = levels[level] ?? ("calm" satisfies Level);
  const [dayCounts, uses, servers, senders, recent, mails, crossings] = [
    items[14] as number[],
    items.slice(15, 18) as number[][],
    items[18] as number[],
    items[19] as number[],
    items[20] as LoginRecord[],
    items[21] as MailRecord[],
    items[22] as [number, string, number][],
  ];
  account.dayCounts.push(...dayCounts);
  account.networks.push(...parseUses(uses[0] ?? []));
  account.countries.push(...parseUses(uses[1] ?? []));
  account.mechanisms.push(...parseUses(uses[2] ?? []));
  account.senders.push(...parseUses(senders));
  if (servers.length > 0) account.servers = parseUses(servers);
  addHours(account, items[23] as number[] | undefined);
  const [leftWatchAt, isBack] = (items[24] as number[] | undefined) ?? [0, 0];
  Object.assign(account, { leftWatchAt, isBack: isBack === 1 });
  addWindows(account, { recent, mails, crossings }, networks);
  return account;
}

/** A record of an older program has none. */
function addHours(account: AccountHistory, hours: readonly number[] = []): void {
  if (hours.length !== 24) return;
  account.hours = [...hours];
  account.hoursCount = hours.reduce((sum, count) => sum + count, 0);
}

interface Windows {
  readonly recent: readonly LoginRecord[];
  readonly mails: readonly MailRecord[];
  readonly crossings: readonly [number, string, number][];
}

function addWindows(account: AccountHistory, windows: Windows, networks: AddressFinder): void {
  const logins = windows.recent.map((record) => parseLogin(account, record, networks));
  const known = logins.filter((login) => login !== undefined);
  if (known.length > 0) account.recent = known;
  const mails: SentMail[] = [];
  for (const [at, queueId, sizeBytes, recipients, bounced, senderKey, at0] of windows.mails) {
    const login = typeof at0 === "number" ? logins[at0] : parseLogin(account, at0, networks);
    if (login === undefined) continue;
    const sender = senderKey < 0 ? undefined : use(account.senders, senderKey, account.day);
    mails.push({ login, at, queueId, sizeBytes, recipients, bounced, sender });
  }
  if (mails.length > 0) account.mails = mails;
  const crossings = windows.crossings.map(([at, country, network]): Crossing => ({ at, country, network }));
  if (crossings.length > 0) account.crossings = crossings;
}

function parseLogin(account: AccountHistory, record: LoginRecord, networks: AddressFinder): Login | undefined {
  const [at, ip, mechanism, guessedFrom, guessedAccounts, asked] = record;
  const from = networks.find(ip);
  if (from === undefined) return undefined;
  const { day } = account;
  const hasCountry = from.kind === "access" && from.country !== "";
  return {
    ...{ at, ip, from, guessedFrom, guessedAccounts, asked: askedBy[asked] ?? "" },
    use: use(account.networks, from.network, day),
    countryUse: hasCountry ? use(account.countries, countryKey(from.country), day) : undefined,
    serverUse: from.kind === "hosting" ? use(account.servers, from.prefix, day) : undefined,
    mechanismUse: mechanism < 0 ? undefined : use(account.mechanisms, mechanism, day),
  };
}

/** One that gave way to others meanwhile was the one least relied on. */
function use(uses: readonly Use[], key: number, day: number): Use {
  return uses.find((known) => known.key === key) ?? { key, firstDay: day, lastDay: day, calmDays: 0 };
}

function parseUses(flat: readonly number[]): Use[] {
  const uses: Use[] = [];
  for (let i = 0; i + 3 < flat.length; i += 4) {
    const [key = 0, firstDay = 0, lastDay = 0, calmDays = 0] = flat.slice(i, i + 4);
    uses.push({ key, firstDay, lastDay, calmDays });
  }
  return uses;
}

function parseItems(text: string): readonly unknown[] | undefined {
  try {
    const items: unknown = JSON.parse(text);
    return Array.isArray(items) && items.length >= 23 && items.length <= 25 ? items : undefined;
  } catch {
    return undefined;
  }
}
