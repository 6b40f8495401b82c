// Options that verbs over old logs share, and the mistakes in them.

import { parseDuration } from "../core/duration.ts";
import { Problem } from "../core/problem.ts";
import { Zone } from "../logs/zone.ts";

/** A Problem of the command line, exit status 2. */
export function usageProblem(where: string, message: string, hint: string): Problem {
  return new Problem(message, { code: "usage", where, hint });
}

/** `--year`: of the first line, for time stamps without one. */
export function parseYear(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const year = /^\d{4}$/.test(text) ? Number(text) : 0;
  if (year < 1970 || year > 2200) throw usageProblem("--year", `${text} is no year`, "four digits, as 2026");
  return year;
}

/** `--zone`: of time stamps without one. */
export function parseZone(text: string | undefined): Zone | undefined {
  if (text === undefined) return undefined;
  const zone = Zone.parse(text);
  if (zone === undefined) {
    throw usageProblem("--zone", `there is no zone ${text}`, "a name as Europe/Kyiv, UTC, or an offset as +02:00");
  }
  return zone;
}

/** `--since`, `--until`: an ISO time (local without a zone), or how long ago. Gives an ISO time in UTC. */
export function parseMoment(option: string, text: string, now: number): string {
  const ago = parseDuration(text);
  if (ago !== undefined) return new Date(now - ago).toISOString();
  const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  // Without a time of day the date alone would be taken for UTC.
  const ms = iso === null ? Number.NaN : Date.parse(`${iso[1]}T${iso[2] ?? "00:00"}${iso[3] ?? ""}`);
  if (Number.isNaN(ms))
    throw usageProblem(option, `${text} is no time`, "an ISO time (2026-11-01T18:00Z), or how long ago (30d)");
  return new Date(ms).toISOString();
}
