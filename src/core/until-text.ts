// `--until T`: an end that a person names.

import { parseDuration } from "./duration.ts";
import { Problem, type ProblemCode } from "./problem.ts";

/** ms since the epoch of an ISO time, of the next HH:MM of this process' zone, or of a duration from `now`. Throws a Problem `code`. */
export function parseUntil(text: string, now: number, code: ProblemCode): number {
  const until = untilOf(text, now);
  if (until === undefined || Number.isNaN(until)) {
    const hint = "an ISO time (2030-01-31T18:00Z), HH:MM, or a duration (2h)";
    throw new Problem(`not a time: ${text}`, { code, where: "until", hint });
  }
  if (until > now) return until;
  throw new Problem(`that time is over: ${text}`, { code, where: "until", hint: "a time that is still to come" });
}

function untilOf(text: string, now: number): number | undefined {
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (clock !== null) return nextTime(Number(clock[1]), Number(clock[2]), now);
  const duration = parseDuration(text);
  if (duration !== undefined) return now + duration;
  const iso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
  return iso.test(text) ? Date.parse(text) : undefined;
}

function nextTime(hour: number, minute: number, now: number): number {
  const at = new Date(now);
  at.setHours(hour, minute, 0, 0);
  // Not 24 h more: a day on which the clocks change is longer or shorter.
  if (at.getTime() <= now) at.setDate(at.getDate() + 1);
  return at.getTime();
}
