// Times of log lines: found by the header reader, understood here, and only for lines that matter. A stamp without a year
// takes it from the lines before it; a stamp without a zone takes the log's zone.

import { findMonth } from "./months.ts";
import { parseOffset, type Zone } from "./zone.ts";

/**
 * How a stamp is written. trad: `Nov 24 02:47:05` (RFC 3164, 4.1.2). iso: RFC 3339 and its relatives. named: any other
 * form with a month name. tai64n: `@` and 24 hexadecimal digits. epoch: seconds, milliseconds or microseconds.
 */
export type TimeForm = "none" | "trad" | "iso" | "named" | "tai64n" | "epoch";

/** Where a stamp stands in the bytes of a line. */
export interface Stamp {
  timeForm: TimeForm;
  timeStart: number;
  timeEnd: number;
}

export interface TimeOptions {
  readonly zone: Zone;
  /** The year of the first line; undefined: the latest year that does not put it more than a day behind `now`. */
  readonly year: number | undefined;
  /** The present, in ms; asked for only where the year is not given. */
  readonly now: () => number;
}

const dayMs = 86_400_000;

/** Files given in the wrong order are a few weeks apart; a line that is further behind is of the next year. */
const lateMaxMs = 92 * dayMs;

const space = 32;
const dot = 46;

/** Reads the stamps of one log, in the order of its lines. */
export class TimeReader {
  readonly #options: TimeOptions;
  #firstYear: number | undefined;
  /** Midnight of the last day without a year, as if local time were UTC; undefined before the first. */
  #lastDayMs: number | undefined;
  /** The day before a first of January that came after a long silence, until the next day tells which of both is right. */
  #dayBeforeJumpMs: number | undefined;
  /** The last traditional stamp's month and day as bytes, and what they mean. */
  #monthKey = -1;
  #dayKey = -1;
  #tradDayMs = Number.NaN;
  /** The last local day that was turned into UTC, and its offset (undefined: it changes within the day). */
  #localDayMs = Number.NaN;
  #localOffsetMs: number | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #namedMs = Number.NaN;
  /** The last zone that a stamp had, and its offset. */
  #lastZone = "";
  #lastOffsetMs: number | undefined;

  constructor(options: TimeOptions) {
    this.#options = options;
  }

  /** Looks at every line, so that no change of year and no doubled hour is missed; cheap while the day stays the same. */
  note(bytes: Buffer, stamp: Stamp): void {
    if (stamp.timeForm === "trad") this.#noteTrad(bytes, stamp.timeStart);
    else if (stamp.timeForm === "named")
      this.#namedMs = this.#parseNamed(bytes.toString("utf8", stamp.timeStart, stamp.timeEnd));
  }

  /** Milliseconds since the epoch of a stamp that was noted just before; NaN when it names no time. */
  at(bytes: Buffer, stamp: Stamp): number {
    switch (stamp.timeForm) {
      case "trad":
        return this.#toUtc(this.#tradDayMs, clockMs(bytes, tradClockAt(bytes, stamp.timeStart)));
      case "iso":
        return this.#parseIso(bytes, stamp.timeStart, stamp.timeEnd);
      case "named":
        return this.#namedMs;
      case "tai64n":
        return parseTai64n(bytes.toString("latin1", stamp.timeStart, stamp.timeEnd));
      case "epoch":
        return parseEpoch(bytes.toString("latin1", stamp.timeStart, stamp.timeEnd));
      case "none":
        return Number.NaN;
      default:
        return stamp.timeForm satisfies never;
    }
  }

  #noteTrad(bytes: Buffer, start: number): void {
    const month = ((bytes[start] ?? 0) << 16) | ((bytes[start + 1] ?? 0) << 8) | (bytes[start + 2] ?? 0);
    const day = ((bytes[start + 4] ?? 0) << 8) | (bytes[start + 5] ?? 0);
    if (month !== this.#monthKey || day !== this.#dayKey) {
      this.#monthKey = month;
      this.#dayKey = day;
      const number = findMonth(bytes.toString("latin1", start, start + 3));
      this.#tradDayMs =
        number === undefined ? Number.NaN : this.#dayOf(number, Number(bytes.toString("latin1", start + 4, start + 6)));
    }
    // On a day whose offset changes the passes of a doubled hour are told apart by the line before.
    if (this.#localDayMs === this.#tradDayMs ? this.#localOffsetMs === undefined : !Number.isNaN(this.#tradDayMs)) {
      this.#toUtc(this.#tradDayMs, clockMs(bytes, tradClockAt(bytes, start)));
    }
  }

  /**
   * Midnight of a day without a year: the first such day that is not far behind the day before it, and not before the
   * first year. So time goes on over New Year and over long silences, and a late line stays where it belongs.
   */
  #dayOf(month: number, day: number): number {
    if (!(day >= 1 && day <= 31)) return Number.NaN;
    const last = this.#lastDayMs;
    if (last === undefined) {
      this.#firstYear = this.#options.year ?? this.#presumedYear(month, day);
      this.#lastDayMs = Date.UTC(this.#firstYear, month - 1, day);
      return this.#lastDayMs;
    }
    this.#lastDayMs = this.#dayAfter(last, month, day);
    this.#mindJump(last, month, day);
    return this.#lastDayMs;
  }

  #dayAfter(last: number, month: number, day: number): number {
    let year = Math.max(this.#firstYear ?? 0, new Date(last).getUTCFullYear() - 1);
    while (Date.UTC(year, month - 1, day) < last - lateMaxMs) year++;
    return Date.UTC(year, month - 1, day);
  }

  /**
   * A machine without a clock of its own begins with the first of January until it has asked for the time: when the next
   * day is nearer to the one before that, no year has passed.
   */
  #mindJump(last: number, month: number, day: number): void {
    const now = this.#lastDayMs ?? last;
    const before = this.#dayBeforeJumpMs;
    this.#dayBeforeJumpMs = undefined;
    if (before !== undefined) {
      const back = this.#dayAfter(before, month, day);
      if (Math.abs(back - before) < Math.abs(now - last)) this.#lastDayMs = back;
    } else if (month === 1 && day === 1 && now - last > lateMaxMs) {
      this.#dayBeforeJumpMs = last;
    }
  }

  #presumedYear(month: number, day: number): number {
    const now = this.#options.now();
    const year = new Date(now).getUTCFullYear();
    return Date.UTC(year, month - 1, day) > now + dayMs ? year - 1 : year;
  }

  /** A local day (midnight as if UTC) and the time of day, both in ms, as UTC. */
  #toUtc(localDayMs: number, timeMs: number): number {
    if (Number.isNaN(localDayMs) || Number.isNaN(timeMs)) return Number.NaN;
    if (localDayMs !== this.#localDayMs) {
      this.#localDayMs = localDayMs;
      this.#localOffsetMs = this.#options.zone.offsetOfDay(localDayMs);
    }
    if (this.#localOffsetMs !== undefined) return localDayMs + timeMs - this.#localOffsetMs;
    this.#lastMs = this.#options.zone.toUtc(localDayMs + timeMs, this.#lastMs);
    return this.#lastMs;
  }

  /** `2026-11-24T02:47:05.341486+02:00`, also with a blank, `/`, a comma, without a zone, or with one behind a blank. */
  #parseIso(bytes: Buffer, start: number, end: number): number {
    const year = digits(bytes, start, 4);
    const month = digits(bytes, start + 5, 2);
    const day = digits(bytes, start + 8, 2);
    const timeMs = clockMs(bytes, start + 11);
    if (!(month >= 1 && month <= 12 && day >= 1 && day <= 31)) return Number.NaN;
    const dayStart = Date.UTC(year, month - 1, day);
    let at = start + 19;
    let fractionMs = 0;
    if (at < end && (bytes[at] === dot || bytes[at] === 44)) {
      at++;
      for (let unit = 100; at < end && isDigit(bytes[at]); at++, unit /= 10)
        fractionMs += ((bytes[at] ?? 0) - 48) * unit;
    }
    fractionMs = Math.floor(fractionMs);
    if (at < end && bytes[at] === space) at++;
    if (at >= end) return this.#toUtc(dayStart, timeMs) + fractionMs;
    const zone = bytes.toString("latin1", at, end);
    const offset = zone === this.#lastZone ? this.#lastOffsetMs : parseOffset(zone);
    this.#lastZone = zone;
    this.#lastOffsetMs = offset;
    if (offset !== undefined) return dayStart + timeMs + fractionMs - offset;
    // Journald prints the machine's own zone by its abbreviation, which is not unique in the world: it is the log's zone.
    return /^[A-Z]{2,5}$/.test(zone) ? this.#toUtc(dayStart, timeMs) + fractionMs : Number.NaN;
  }

  #parseNamed(text: string): number {
    const named = parseNamedStamp(text);
    if (named === undefined) return Number.NaN;
    const { month, day, year, timeMs, offsetMs } = named;
    if (!(day >= 1 && day <= 31)) return Number.NaN;
    const dayStart = year === undefined ? this.#dayOf(month, day) : Date.UTC(year, month - 1, day);
    return offsetMs === undefined ? this.#toUtc(dayStart, timeMs) : dayStart + timeMs - offsetMs;
  }
}

/** Where `02:47:05` begins in a traditional stamp: behind a day of one or two digits. */
function tradClockAt(bytes: Buffer, start: number): number {
  return bytes[start + 5] === space ? start + 6 : start + 7;
}

/** Milliseconds of `HH:MM:SS` at `at`; NaN when it is none. A leap second is the second after it. */
function clockMs(bytes: Buffer, at: number): number {
  const hour = digits(bytes, at, 2);
  const minute = digits(bytes, at + 3, 2);
  const second = digits(bytes, at + 6, 2);
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return Number.NaN;
  return ((hour * 60 + minute) * 60 + second) * 1000;
}

/** `count` digits as a number; a blank before a digit counts as nought. NaN when there is anything else. */
function digits(bytes: Buffer, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const c = bytes[i] ?? 0;
    if (c === space && value === 0) continue;
    if (c < 48 || c > 57) return Number.NaN;
    value = value * 10 + c - 48;
  }
  return value;
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= 48 && c <= 57;
}

interface NamedStamp {
  readonly month: number;
  readonly day: number;
  readonly year: number | undefined;
  readonly timeMs: number;
  readonly offsetMs: number | undefined;
}

const clockText = String.raw`(?<h>\d{1,2}):(?<m>\d\d):(?<s>\d\d)(?:[.,](?<f>\d{1,9}))?`;
const zoneText = String.raw`(?: ?(?<z>Z|UTC|GMT|[+-]\d\d:?\d\d)(?=[ :]))?`;
const namedForms: readonly RegExp[] = [
  // Nov 24 02:47:05, Tue Nov 24 02:47:05 2026, Nov 24 2026 02:47:05.123:
  new RegExp(
    String.raw`^(?:\p{L}{2,12}[.,]{0,2} +)?(?<mon>\p{L}{3,12}\.?) +(?<d>\d{1,2})(?:,? +(?<y>(?:19|20)\d\d))?,? +${clockText}(?: (?<y2>(?:19|20)\d\d)(?=[ :]))?${zoneText}(?::(?= ))?(?= |$)`,
    "u",
  ),
  // 2026 Nov 24 02:47:05, 2026-Nov-24 02:47:05
  new RegExp(
    String.raw`^(?<y>(?:19|20)\d\d)[-/ ](?<mon>\p{L}{3,12}\.?)[-/ ] ?(?<d>\d{1,2})[ T]${clockText}${zoneText}(?::(?= ))?(?= |$)`,
    "u",
  ),
  // 24 Nov 2026 02:47:05, 24/Nov/2026:02:47:05 +0200
  new RegExp(
    String.raw`^(?<d>\d{1,2})[-/ ](?<mon>\p{L}{3,12}\.?)[-/ ](?<y>(?:19|20)\d\d)[ :]${clockText}${zoneText}(?::(?= ))?(?= |$)`,
    "u",
  ),
];

/** The longest stamp with a month name, in characters. */
export const namedStampMax = 64;

/** The length in characters of the stamp with a month name that `text` begins with; undefined when there is none. */
export function namedStampLength(text: string): number | undefined {
  for (const form of namedForms) {
    const match = form.exec(text);
    if (match !== null && findMonth(match.groups?.["mon"] ?? "") !== undefined) return match[0].length;
  }
  return undefined;
}

function parseNamedStamp(text: string): NamedStamp | undefined {
  for (const form of namedForms) {
    const groups = form.exec(`${text} `)?.groups;
    const month = findMonth(groups?.["mon"] ?? "");
    if (groups === undefined || month === undefined) continue;
    const year = groups["y"] ?? groups["y2"];
    const [h, m, s] = [Number(groups["h"]), Number(groups["m"]), Number(groups["s"])];
    if (h > 23 || m > 59 || s > 60) return undefined;
    const fractionMs = Math.floor(Number(`0.${groups["f"] ?? 0}`) * 1000);
    return {
      month,
      day: Number(groups["d"]),
      year: year === undefined ? undefined : Number(year),
      timeMs: ((h * 60 + m) * 60 + s) * 1000 + fractionMs,
      offsetMs: groups["z"] === undefined ? undefined : parseOffset(groups["z"]),
    };
  }
  return undefined;
}

/** `4000000066…`: TAI64N (D. J. Bernstein), as multilog writes it: 2^62 + 10 seconds ahead of the epoch, then nanoseconds. */
function parseTai64n(hex: string): number {
  const seconds = Number.parseInt(hex.slice(8, 16), 16) - 10;
  const nanoseconds = Number.parseInt(hex.slice(16, 24), 16);
  return hex.startsWith("40000000") && nanoseconds < 1e9 ? seconds * 1000 + Math.floor(nanoseconds / 1e6) : Number.NaN;
}

/** Ten digits are seconds, thirteen milliseconds, sixteen microseconds; a fraction may follow the seconds. */
function parseEpoch(text: string): number {
  const whole = text.split(".", 1)[0]?.length ?? 0;
  const value = Number(text);
  if (whole === 10) return Math.floor(value * 1000);
  if (whole === 13) return Math.floor(value);
  return whole === 16 ? Math.floor(value / 1000) : Number.NaN;
}
