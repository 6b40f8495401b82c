// Calendar periods in a time zone: days, ISO weeks (ISO 8601: Monday first, the year of its Thursday), months.

import { printDuration } from "./duration.ts";
import { type CalendarPeriod, calendarPeriods } from "./rules.ts";

export interface Period {
  /** ms since the epoch; the period is [startsAt, endsAt). */
  readonly startsAt: number;
  readonly endsAt: number;
  /** `2024-12-30`, `2025-W01`, `2024-12`. */
  readonly name: string;
}

const dayMs = 86_400_000;

/** A civil date as the days since 1970-01-01, so that its arithmetic is plain. */
type Day = number;

/** The period of `zone` that holds `now`. `zone` is a name of the IANA time zone database. */
export function periodAt(now: number, unit: CalendarPeriod, zone: string): Period {
  const clock = clockOf(zone);
  const today = civilDay(now, clock);
  const first = firstDay(today, unit);
  const next = nextFirstDay(first, unit);
  return { startsAt: startOf(first, clock), endsAt: startOf(next, clock), name: nameOf(first, unit) };
}

/** A limit's period as people write it: `1h`, and `month` for what counts by the calendar. */
export function printPeriod(algorithm: string, periodMs: number): string {
  return calendarPeriods.find((unit) => unit === algorithm) ?? printDuration(periodMs);
}

/** `in 1h`, or `a month`: what stands behind a limit's number. `per` is as printPeriod prints it. */
export function printWithin(per: string): string {
  return calendarPeriods.some((unit) => unit === per) ? `a ${per}` : `in ${per}`;
}

function firstDay(day: Day, unit: CalendarPeriod): Day {
  if (unit === "day") return day;
  // 1970-01-01 was a Thursday.
  if (unit === "week") return day - ((day + 3) % 7);
  return day - new Date(day * dayMs).getUTCDate() + 1;
}

function nextFirstDay(first: Day, unit: CalendarPeriod): Day {
  if (unit === "day") return first + 1;
  if (unit === "week") return first + 7;
  const date = new Date(first * dayMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / dayMs;
}

function nameOf(first: Day, unit: CalendarPeriod): string {
  const text = new Date(first * dayMs).toISOString();
  if (unit === "day") return text.slice(0, 10);
  if (unit === "month") return text.slice(0, 7);
  const thursday = new Date((first + 3) * dayMs);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((first + 3 - Date.UTC(year, 0, 1) / dayMs) / 7) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}

/** The first moment of a civil day. Where the clock jumps over midnight the day begins with the jump. */
function startOf(day: Day, clock: Intl.DateTimeFormat): number {
  let low = day * dayMs - 15 * 3_600_000;
  let high = day * dayMs + 15 * 3_600_000;
  // Civil days never go back over a whole day, so the first moment is found by halving. Zones are within 14 h of UTC.
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (civilDay(middle, clock) < day) low = middle + 1;
    else high = middle;
  }
  return low;
}

function civilDay(now: number, clock: Intl.DateTimeFormat): Day {
  const [year = 0, month = 0, day = 0] = clock.format(now).split("-").map(Number);
  return Date.UTC(year, month - 1, day) / dayMs;
}

/** The Swedish form of a date is ISO 8601's. */
function clockOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
}
