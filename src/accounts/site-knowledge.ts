// What the site as a whole knows: which networks and countries many of its accounts use, and which addresses guess passwords.

import type { JudgeSettings } from "./judge-settings.ts";
import { textKey } from "./use-list.ts";

/** Addresses remembered for guessing; the one longest unheard of gives way. */
const guessersMax = 40_000;
/** Accounts whose failures are remembered. Names in failed logins are invented at will, so they have a limit of their own. */
const victimsMax = 20_000;
const pairsMax = 32;
const friendlyMs = 30 * 86_400_000;

interface Seen {
  readonly key: number;
  at: number;
}

interface Guesser {
  readonly failed: Seen[];
  readonly friendly: Seen[];
  /** As it lies on disk; undefined since it changed. Most do not change from one record to the next. */
  text: string | undefined;
}

interface Victim {
  readonly seen: Seen[];
  text: string | undefined;
}

type Pairs = readonly (readonly [key: number, at: number])[];

/** What the site knows, as texts. */
export interface SiteRecord {
  readonly known: string;
  readonly guessers: string;
  readonly victims: string;
}

export class SiteKnowledge {
  readonly #settings: JudgeSettings;
  readonly #networks = new Map<number, number>();
  readonly #countries = new Map<number, number>();
  readonly #guessers = new Map<number, Guesser>();
  readonly #victims = new Map<string, Victim>();
  #accounts = 0;

  constructor(settings: JudgeSettings) {
    this.#settings = settings;
  }

  /** An account has used this network on a first calm day. */
  addNetwork(key: number): void {
    this.#networks.set(key, (this.#networks.get(key) ?? 0) + 1);
  }

  /** As `addNetwork`; `first` for an account's first country. */
  addCountry(key: number, first: boolean): void {
    this.#countries.set(key, (this.#countries.get(key) ?? 0) + 1);
    if (first) this.#accounts++;
  }

  isPopularNetwork(key: number): boolean {
    return (this.#networks.get(key) ?? 0) >= this.#settings.popular.accounts;
  }

  /** Somebody has used the country on a calm day; true for all while nothing is known. */
  isHeardOf(key: number): boolean {
    return this.#accounts < this.#settings.popular.accounts || this.#countries.has(key);
  }

  /** Where people of this site usually are. */
  isPopularCountry(key: number): boolean {
    const accounts = this.#countries.get(key) ?? 0;
    const { popular } = this.#settings;
    return accounts >= popular.accounts && accounts >= this.#accounts * popular.countryShare;
  }

  /** A wrong password for `account` from the address `line`. */
  addFailure(account: string, line: number, at: number): void {
    const guesser = this.#guesser(line);
    see(guesser.failed, textKey(account), at);
    guesser.text = undefined;
    const victim = renew(this.#victims, account, victimsMax, (): Victim => ({ seen: [], text: undefined }));
    see(victim.seen, line, at);
    victim.text = undefined;
  }

  /** A right one. */
  addSuccess(account: string, line: number, at: number): void {
    const guesser = this.#guessers.get(line);
    if (guesser === undefined) return;
    see(guesser.friendly, textKey(account), at);
    guesser.text = undefined;
  }

  /** Accounts other than this one on which the address failed lately; 0 unless they are many more than its friendly ones. */
  guessedAccounts(account: string, line: number, at: number): number {
    const guesser = this.#guessers.get(line);
    if (guesser === undefined) return 0;
    const own = textKey(account);
    const { accounts, withinMs, timesFriendly } = this.#settings.knownGuesser;
    const failed = guesser.failed.filter((seen) => seen.key !== own && at - seen.at <= withinMs).length;
    const friendly = guesser.friendly.filter((seen) => seen.key !== own && at - seen.at <= friendlyMs).length;
    return failed >= accounts && failed > friendly * timesFriendly ? failed : 0;
  }

  /** Addresses that failed on this account lately. */
  guessedFrom(account: string, at: number): number {
    const victim = this.#victims.get(account);
    if (victim === undefined) return 0;
    return victim.seen.filter((seen) => at - seen.at <= this.#settings.guessingBefore.withinMs).length;
  }

  /** Forgets what is too old to count. */
  tidy(now: number): void {
    const { knownGuesser, guessingBefore } = this.#settings;
    for (const [line, guesser] of this.#guessers) {
      const isOlder = dropBefore(guesser.failed, now - knownGuesser.withinMs);
      if (dropBefore(guesser.friendly, now - friendlyMs) || isOlder) guesser.text = undefined;
      if (guesser.failed.length + guesser.friendly.length === 0) this.#guessers.delete(line);
    }
    for (const [name, victim] of this.#victims) {
      if (dropBefore(victim.seen, now - guessingBefore.withinMs)) victim.text = undefined;
      if (victim.seen.length === 0) this.#victims.delete(name);
    }
  }

  /** Everything, for the disk. */
  print(): SiteRecord {
    return {
      known: JSON.stringify([this.#accounts, [...this.#networks], [...this.#countries]]),
      guessers: printAll(this.#guessers, (line, it) => [line, pairs(it.failed), pairs(it.friendly)]),
      victims: printAll(this.#victims, (name, { seen }) => [name, pairs(seen)]),
    };
  }

  /** As it was printed. */
  restore({ known, guessers, victims }: SiteRecord): void {
    const [accounts, networks, countries] = JSON.parse(known) as [number, [number, number][], [number, number][]];
    this.#accounts = accounts;
    for (const [key, count] of networks) this.#networks.set(key, count);
    for (const [key, count] of countries) this.#countries.set(key, count);
    for (const [line, failed, friendly] of JSON.parse(guessers) as [number, Pairs, Pairs][])
      this.#guessers.set(line, { failed: failed.map(seenOf), friendly: friendly.map(seenOf), text: undefined });
    for (const [name, seen] of JSON.parse(victims) as [string, Pairs][])
      this.#victims.set(name, { seen: seen.map(seenOf), text: undefined });
  }

  #guesser(line: number): Guesser {
    return renew(this.#guessers, line, guessersMax, (): Guesser => ({ failed: [], friendly: [], text: undefined }));
  }
}

function printAll<K, V extends { text: string | undefined }>(
  map: ReadonlyMap<K, V>,
  record: (key: K, value: V) => readonly unknown[],
): string {
  const texts: string[] = [];
  for (const [key, value] of map) {
    value.text ??= JSON.stringify(record(key, value));
    texts.push(value.text);
  }
  return `[${texts.join(",")}]`;
}

/** The oldest come first. True when something was dropped. */
function dropBefore(list: Seen[], at: number): boolean {
  const first = list.findIndex((seen) => seen.at >= at);
  return list.splice(0, first < 0 ? list.length : first).length > 0;
}

function pairs(list: readonly Seen[]): Pairs {
  return list.map(({ key, at }) => [key, at]);
}

function seenOf([key, at]: Pairs[number]): Seen {
  return { key, at };
}

function see(list: Seen[], key: number, at: number): void {
  const index = list.findIndex((seen) => seen.key === key);
  if (index >= 0) list.splice(index, 1);
  else if (list.length >= pairsMax) list.shift();
  list.push({ key, at });
}

/** The value of `key`, moved to the young end; the oldest gives way. */
function renew<K, V>(map: Map<K, V>, key: K, max: number, make: () => V): V {
  const value = map.get(key) ?? make();
  map.delete(key);
  map.set(key, value);
  if (map.size > max) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
  return value;
}
