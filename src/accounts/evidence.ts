// What the signals look at: one account's last day, sorted into familiar and not.

import type { AccountHistory, Login, SentMail } from "./account-history.ts";
import type { JudgeSettings } from "./judge-settings.ts";
import type { SiteKnowledge } from "./site-knowledge.ts";
import { countryKey } from "./use-list.ts";

/** Names systems for the sentences; the judge itself needs none. */
export interface NetworkNames {
  nameOf(asn: number): string;
}

export interface Evidence {
  readonly at: number;
  readonly account: AccountHistory;
  readonly settings: JudgeSettings;
  readonly site: SiteKnowledge;
  readonly names: NetworkNames;
  readonly learning: boolean;
  /** Points of novelty are multiplied by this: less while learning. */
  readonly novelty: number;
  /** The last day, oldest first. */
  readonly logins: readonly Login[];
  readonly unfamiliar: readonly Login[];
  /** The last login from each unfamiliar network. */
  readonly networks: ReadonlyMap<number, Login>;
  /** The last login from each unfamiliar country, access networks only. */
  readonly countries: ReadonlyMap<string, Login>;
  /** Of these, the ones that no account has used on a calm day. */
  readonly unheard: readonly string[];
  /** Messages of the last days that left from networks which are unfamiliar still. */
  readonly mails: readonly SentMail[];
}

/** The account as it stands at `at`. */
export function gatherEvidence(
  account: AccountHistory,
  at: number,
  settings: JudgeSettings,
  site: SiteKnowledge,
  names: NetworkNames,
): Evidence {
  const unfamiliar: Login[] = [];
  const networks = new Map<number, Login>();
  const countries = new Map<string, Login>();
  for (const login of account.recent) {
    if (!isUnfamiliar(account, login, settings)) continue;
    unfamiliar.push(login);
    networks.set(login.from.network, login);
    if (isAbroad(account, login, settings, site)) countries.set(login.from.country, login);
  }
  const learning = account.isLearning(at, settings);
  return {
    at,
    account,
    settings,
    site,
    names,
    learning,
    novelty: learning ? settings.learning.factor : 1,
    logins: account.recent,
    unfamiliar,
    networks,
    countries,
    unheard: [...countries.keys()].filter((country) => !site.isHeardOf(countryKey(country))),
    mails: account.mails.filter((mail) => isStrangePlace(account, mail.login, settings)),
  };
}

/** Nothing for a signal to look at: so it is with most accounts at most times, and told without gathering anything. */
export function isQuiet(account: AccountHistory, settings: JudgeSettings): boolean {
  return (
    settings.networkCount.points === 0 &&
    account.crossings.length === 0 &&
    !account.recent.some((login) => isUnfamiliar(account, login, settings)) &&
    !account.mails.some((mail) => isStrangePlace(account, mail.login, settings))
  );
}

/** When the last of it came in. */
export function freshAt({ unfamiliar, mails, account }: Evidence): number {
  const last = [unfamiliar, mails, account.crossings].map(
    (list: readonly { readonly at: number }[]) => list.at(-1)?.at,
  );
  return Math.max(0, ...last.map((at) => at ?? 0));
}

/** Clouds that fetch mail for people and addresses without a network are nobody's novelty. */
export function isUnfamiliar(account: AccountHistory, login: Login, settings: JudgeSettings): boolean {
  const { kind } = login.from;
  if (kind === "mail-cloud" || kind === "reserved") return false;
  return !account.isFamiliar(login.use, settings) && !account.marks.isOwn(login);
}

/** Where mail is looked at: an unfamiliar network, or an unfamiliar part of a familiar one that rents out servers. */
export function isStrangePlace(account: AccountHistory, login: Login, settings: JudgeSettings): boolean {
  if (isUnfamiliar(account, login, settings)) return true;
  if (login.serverUse === undefined || account.marks.isOwn(login)) return false;
  return !account.isFamiliar(login.serverUse, settings);
}

/** In a country that neither the account nor most of the site uses. Rented servers and satellites carry no country. */
export function isAbroad(account: AccountHistory, login: Login, settings: JudgeSettings, site: SiteKnowledge): boolean {
  const { countryUse } = login;
  if (login.from.kind !== "access" || countryUse === undefined) return false;
  if (account.isFamiliar(countryUse, settings) || account.marks.isOwn(login)) return false;
  return !site.isPopularCountry(countryUse.key);
}

/** Behind an access network of a country where the account or most of the site usually is. */
export function isAtHome(account: AccountHistory, login: Login, settings: JudgeSettings, site: SiteKnowledge): boolean {
  return login.from.kind === "access" && login.countryUse !== undefined && !isAbroad(account, login, settings, site);
}

/** `AS45899 VNPT Corp (VN)`. */
export function networkText({ from }: Login, names: NetworkNames): string {
  const name = from.asn === undefined ? "an unknown network" : `AS${from.asn} ${names.nameOf(from.asn)}`;
  return from.country === "" ? name : `${name} (${from.country})`;
}

/** The first few of a list, and how many more. */
export function fewOf(texts: readonly string[], max = 4): string {
  const more = texts.length - max;
  return more > 0 ? `${texts.slice(0, max).join(", ")} and ${more} more` : texts.join(", ");
}
