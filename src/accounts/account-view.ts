// One account as it stands, for people: plain data.

import type { AccountHistory, Level } from "./account-history.ts";
import { type Evidence, isUnfamiliar, networkText } from "./evidence.ts";
import type { Judge, LoginView, SignalView } from "./judge.ts";
import { scoreOf } from "./score.ts";
import { watchEndsAt } from "./suspicion.ts";
import { keyCountry } from "./use-list.ts";

const dayMs = 86_400_000;
const loginsShown = 30;

export interface UseView {
  /** `AS64500 Name`, a country's letters, or a prefix that nobody announces. */
  readonly name: string;
  readonly country: string;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Days of use on which all was calm. */
  readonly calmDays: number;
  readonly familiar: boolean;
}

export interface AccountView {
  readonly account: string;
  readonly level: Level;
  readonly levelAt: number;
  /** When it leaves a watch by itself, if nothing more happens; undefined when it is in none. */
  readonly watchEndsAt: number | undefined;
  readonly score: number;
  readonly firstAt: number;
  readonly seenAt: number;
  readonly logins: number;
  readonly learning: boolean;
  readonly exempt: boolean;
  /** What is found at this moment. */
  readonly signals: readonly SignalView[];
  readonly networks: readonly UseView[];
  readonly countries: readonly UseView[];
  /** The last day, newest first. */
  readonly recent: readonly (LoginView & {
    readonly country: string;
    readonly familiar: boolean;
    /** Many accounts of the site use its network. */
    readonly popular: boolean;
    /** The block's name at its registry, of an unfamiliar login, where it is known. */
    readonly registered?: string | undefined;
  })[];
  readonly usualRecipients: number | null;
}

/** The account at `at`; undefined when it was never seen. Changes nothing. */
export function viewAccount(judge: Judge, name: string, at: number): AccountView | undefined {
  const seen = judge.look(name, at);
  if (seen === undefined) return undefined;
  const { account, evidence } = seen;
  const { settings, names } = evidence;
  const { score, findings } = account.marks.exempt ? { score: 0, findings: [] } : scoreOf(evidence);
  const recent = account.recent.slice(-loginsShown).reverse();
  return {
    ...{ account: account.name, level: account.level, levelAt: account.levelAt, firstAt: account.firstAt },
    ...{ seenAt: account.seenAt, logins: account.logins, learning: evidence.learning, exempt: account.marks.exempt },
    watchEndsAt: watchEndsAt(account, settings),
    score: Math.round(Math.max(score, fadedScore(account, at, settings.leave.halfLifeMs))),
    signals: findings.map(({ name: signal, points, because }) => ({ name: signal, points, because: because() })),
    networks: viewNetworks(evidence),
    countries: viewCountries(evidence),
    recent: recent.map((login) => ({
      ...{ at: login.at, ip: login.ip, network: networkText(login, names), country: login.from.country },
      familiar: !isUnfamiliar(account, login, settings),
      popular: evidence.site.isPopularNetwork(login.from.network),
    })),
    usualRecipients: account.usualRecipients() ?? null,
  };
}

function fadedScore(account: AccountHistory, at: number, halfLifeMs: number): number {
  return account.score * 2 ** (-Math.max(0, at - account.scoreAt) / halfLifeMs);
}

function viewNetworks({ account, settings, names }: Evidence): UseView[] {
  return account.networks.map((use) => {
    const { key } = use;
    const name = key > 0 ? `AS${key} ${names.nameOf(key)}` : key === -1 ? "reserved" : prefixText(-2 - key);
    const country = account.recent.findLast((login) => login.use === use)?.from.country ?? "";
    return { name, country, ...daysOf(use), familiar: account.isFamiliar(use, settings) };
  });
}

function viewCountries({ account, settings }: Evidence): UseView[] {
  return account.countries.map((use) => {
    const name = keyCountry(use.key);
    return { name, country: name, ...daysOf(use), familiar: account.isFamiliar(use, settings) };
  });
}

function daysOf({ firstDay, lastDay, calmDays }: AccountHistory["networks"][number]) {
  return { firstAt: firstDay * dayMs, lastAt: lastDay * dayMs, calmDays };
}

/** An unannounced /24; of a /48 only a number is kept. */
function prefixText(prefix: number): string {
  if (prefix >= 2 ** 24) return "an unannounced /48";
  return `${prefix >> 16}.${(prefix >> 8) & 255}.${prefix & 255}.0/24`;
}
