// Options that verbs over old logs share, and the mistakes in them.

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
