// What the groups of a matched date say → a time. What is left out is taken from the clock.

import type { DateMatch, DateTemplate } from "./date-template.ts";

/** Fixed offsets of abbreviations in minutes, where a date or `logtimezone` names one. */
const zoneMinutes: Readonly<Record<string, number>> = {
  Z: 0,
  UTC: 0,
  GMT: 0,
  WET: 0,
  CET: 60,
  EET: 120,
  MSK: 180,
  WEST: 60,
  CEST: 120,
  EEST: 180,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  AKST: -540,
  AKDT: -480,
  HST: -600,
  AST: -240,
  ADT: -180,
  BST: 60,
  IST: 330,
  JST: 540,
  KST: 540,
  AEST: 600,
  AEDT: 660,
  ACST: 570,
  AWST: 480,
  NZST: 720,
  NZDT: 780,
};

export interface DateSetting {
  /** The time of the line's reading, ms. */
  readonly now: number;
  /** Minutes east of UTC of dates without a zone; the system's zone without it. */
  readonly zoneMinutes?: number | undefined;
}

/** The offset of `Z`, `UTC+01`, `+02:00`, `CEST`; undefined when there is no such zone. */
export function parseZoneMinutes(text: string): number | undefined {
  const found = /^([A-Z]{1,5})?(?:([+-])(\d\d):?(\d\d)?)?$/.exec(text);
  if (found === null || text === "") return undefined;
  const [, name, sign, hours, minutes] = found;
  const base = name === undefined ? 0 : zoneMinutes[name];
  if (base === undefined) return undefined;
  if (sign === undefined) return base;
  const more = Number(hours) * 60 + Number(minutes ?? 0);
  return base + (sign === "-" ? -more : more);
}

/** Milliseconds since 1970 of a matched date; undefined when it names no real day. Fractions of a second are left out. */
export function resolveDate(template: DateTemplate, match: DateMatch, setting: DateSetting): number | undefined {
  switch (template.kind) {
    case "none":
      return undefined;
    case "tai64n":
      return Number.parseInt(match.text.slice(2, 17), 16) * 1000;
    case "epoch":
    case "long-epoch":
      return resolveEpoch(match.groups["epoch"] ?? match.text, template.kind === "long-epoch");
    case "fields":
      return resolveFields(match.groups, setting);
    default:
      return template.kind satisfies never;
  }
}

function resolveEpoch(text: string, long: boolean): number {
  const value = Number(text);
  if (!long || text.length < 13) return value * 1000;
  return text.length >= 16 && text[13] !== "." ? value / 1000 : value;
}

type Groups = Readonly<Record<string, string | undefined>>;

function resolveFields(groups: Groups, setting: DateSetting): number | undefined {
  const now = new Date(setting.now);
  const get = (name: string) => groups[name] ?? groups[`${name}1`] ?? groups[`${name}2`];
  const number = (name: string) => {
    const text = get(name);
    return text === undefined ? undefined : Number(text);
  };
  const short = number("y");
  const year = number("Y") ?? (short === undefined ? undefined : 2000 + short);
  const month = number("m") ?? monthNumber(get("b") ?? get("B"));
  const zone = zoneOf(get("z") ?? get("Z"), setting);
  const clock = [hourOf(get), number("M") ?? 0, number("S") ?? 0] as const;
  const dayOfYear = number("j") ?? weekDay(get, year ?? now.getFullYear());
  const day = number("d");
  if (month === undefined && day === undefined && dayOfYear === undefined) return today(now, clock, zone, setting.now);
  const at = (y: number) =>
    dayOfYear === undefined
      ? time([y, (month ?? now.getMonth() + 1) - 1, day ?? 1], clock, zone)
      : time([y, 0, dayOfYear], clock, zone);
  if (dayOfYear === undefined && !isDay(year ?? 2000, month ?? 1, day ?? 1)) return undefined;
  if (year !== undefined) return at(year);
  const thisYear = at(now.getFullYear());
  // A date without a year that lies ahead is the last year's; a day is left for clocks and zones that differ.
  return thisYear > setting.now + 86_400_000 ? at(now.getFullYear() - 1) : thisYear;
}

type Clock = readonly [number, number, number];

function today(now: Date, clock: Clock, zone: number | undefined, nowMs: number): number {
  const at = time([now.getFullYear(), now.getMonth(), now.getDate()], clock, zone);
  return at > nowMs ? time([now.getFullYear(), now.getMonth(), now.getDate() - 1], clock, zone) : at;
}

function time([y, m, d]: readonly [number, number, number], [h, min, s]: Clock, zone: number | undefined): number {
  if (zone === undefined) return new Date(y, m, d, h, min, s).getTime();
  return Date.UTC(y, m, d, h, min, s) - zone * 60_000;
}

function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function zoneOf(text: string | undefined, setting: DateSetting): number | undefined {
  const own = text === undefined ? undefined : parseZoneMinutes(text);
  return own ?? setting.zoneMinutes;
}

function hourOf(get: (name: string) => string | undefined): number {
  const half = get("I");
  if (half === undefined) return Number(get("H") ?? 0);
  const pm = get("p")?.toLowerCase() === "pm";
  return (Number(half) % 12) + (pm ? 12 : 0);
}

const monthWords = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

function monthNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = monthWords.indexOf(text.slice(0, 3).toLowerCase());
  return at < 0 ? undefined : at + 1;
}

const dayWords = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** The day of the year of a week's number (`%U` from Sunday, `%W` from Monday) with a day of the week. */
function weekDay(get: (name: string) => string | undefined, year: number): number | undefined {
  const fromSunday = get("U");
  const week = fromSunday ?? get("W");
  const word = get("a") ?? get("A");
  const day = word === undefined ? Number(get("w") ?? Number.NaN) : dayWords.indexOf(word.slice(0, 3).toLowerCase());
  if (week === undefined || Number.isNaN(day)) return undefined;
  const shift = fromSunday === undefined ? 6 : 0;
  const first = (new Date(Date.UTC(year, 0, 1)).getUTCDay() + shift) % 7;
  return Number(week) * 7 + ((day + shift) % 7) - first + (first === 0 ? -6 : 1);
}
