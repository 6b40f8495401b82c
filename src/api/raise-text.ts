// `--to N[/count/per] --until T`: what a limit is raised to, and until when.

import { printPeriod } from "../core/calendar.ts";
import { parseDuration, printDuration } from "../core/duration.ts";
import { Problem } from "../core/problem.ts";
import { type Counter, calendarPeriods, counters } from "../core/rules.ts";
import { parseUntil } from "../core/until-text.ts";
import type { QuotaTarget } from "./quota-target.ts";

export interface RaiseTo {
  readonly max: number;
  readonly count: Counter | undefined;
  /** As printPeriod prints it. */
  readonly per: string | undefined;
}

/** A raise is for now; what is to hold longer belongs into the policies file. */
const raiseMsMax = 366 * 86_400_000;

/** `500`, `500/recipients`, `500/1h`, `500/recipients/1h`, `500/recipients/month`. Throws a Problem quota/bad-raise. */
export function parseRaiseTo(text: string): RaiseTo {
  const [number = "", ...rest] = text.split("/");
  const count = counters.find((name) => name === rest[0]);
  const [period, ...more] = count === undefined ? rest : rest.slice(1);
  const per = period === undefined ? undefined : parsePer(period);
  const isWhole = /^\d{1,15}$/.test(number) && more.length === 0;
  if (!isWhole || (period !== undefined && per === undefined)) {
    throw badRaise(`not a limit: ${text}`, "N, N/COUNT, N/PER or N/COUNT/PER, as in 500/recipients/1h");
  }
  return { max: Number(number), count, per };
}

function parsePer(text: string): string | undefined {
  const unit = calendarPeriods.find((name) => name === text);
  const periodMs = parseDuration(text);
  return unit ?? (periodMs === undefined || periodMs === 0 ? undefined : printDuration(periodMs));
}

/** When a raise ends. Throws quota/bad-raise. */
export function parseRaiseEnd(text: string, now: number): number {
  const until = parseUntil(text, now, "quota/bad-raise");
  if (until - now <= raiseMsMax) return until;
  throw badRaise(`too far away: ${text}`, "at most a year; what is to stay belongs into the policies file");
}

/** The targets that a raise means. Throws when they are of several kinds, or would not be raised. */
export function chooseRaised(targets: readonly QuotaTarget[], to: RaiseTo): readonly QuotaTarget[] {
  const chosen = targets.filter((target) => {
    const { count } = target.limit.limit;
    return (to.count ?? count) === count && (to.per ?? perOf(target)) === perOf(target);
  });
  const kinds = (of: readonly QuotaTarget[]) =>
    [...new Set(of.map(kindOf))].map((kind) => `${to.max}/${kind}`).join(", ");
  if (chosen.length === 0) throw badRaise("no limit of this kind has that key", `one of ${kinds(targets)}`);
  if (new Set(chosen.map(kindOf)).size > 1)
    throw badRaise("several limits have that key", `say which: ${kinds(chosen)}`);
  const highest = Math.max(...chosen.map(({ limit }) => limit.limit.max));
  if (to.max <= highest) throw badRaise(`${to.max} is no raise`, `more than the ${highest} that the rule allows`);
  return chosen;
}

function kindOf(target: QuotaTarget): string {
  return `${target.limit.limit.count}/${perOf(target)}`;
}

function perOf({ limit: { limit, quota } }: QuotaTarget): string {
  return printPeriod(quota.rule.algorithm, limit.periodMs);
}

function badRaise(message: string, hint: string): Problem {
  return new Problem(message, { code: "quota/bad-raise", hint });
}
