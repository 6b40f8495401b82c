// The name of a cell: (policy, quota, counter, period, algorithm, track key). A changed max keeps what is used (interfaces).

import type { CellLimit } from "../core/cell.ts";
import {
  algorithms,
  type Counter,
  type CountingAlgorithm,
  calendarPeriods,
  counters,
  type Limit,
} from "../core/rules.ts";

/** DEL: names are printable, so it stands in none of them, and JSON keeps it as it is. */
const separator = "\x7f";

/**
 * First character of the key of a recipient that a counter of distinct recipients knows: no policy's name begins with it,
 * so counters and members are never listed together.
 */
export const memberMark = "\x80";

/** First character of the key of a cell that counts refused tries, where a stage asks for them. */
export const stageMark = "\x81";

export interface CellKey {
  readonly policy: string;
  readonly quota: string;
  readonly count: Counter;
  readonly periodMs: number;
  readonly algorithm: CountingAlgorithm;
  /** e.g. `SASLUsername:bob@example.org`. */
  readonly track: string;
}

/** Everything of a key but the track key, with the separator at its end. */
export function cellPrefix(policy: string, quota: string, algorithm: CountingAlgorithm, limit: Limit): string {
  return `${[policy, quota, limit.count, limit.periodMs, algorithm].join(separator)}${separator}`;
}

/** The start of all keys of a quota, for listing. */
export function quotaPrefix(policy: string, quota: string): string {
  return `${policy}${separator}${quota}${separator}`;
}

/** The prefix part of a whole key. */
export function prefixOf(key: string): string {
  let end = -1;
  for (let i = 0; i < 5; i++) end = key.indexOf(separator, end + 1);
  return key.slice(0, end + 1);
}

/** A key's parts; undefined when it was not made here. */
export function parseCellKey(key: string): CellKey | undefined {
  const [policy, quota, count, period, algorithm, ...track] = key.split(separator);
  const counter = counters.find((known) => known === count);
  const known = [...algorithms, ...calendarPeriods].find((name) => name === algorithm);
  const periodMs = Number(period);
  if (policy === undefined || quota === undefined || counter === undefined || known === undefined) return undefined;
  if (!Number.isSafeInteger(periodMs) || periodMs <= 0 || track.length === 0) return undefined;
  return { policy, quota, count: counter, periodMs, algorithm: known, track: track.join(separator) };
}

/** What giving back needs to know; `max` is not part of a key and says nothing here. */
export function limitOfKey(key: CellKey): CellLimit {
  return { algorithm: key.algorithm, max: Number.MAX_SAFE_INTEGER, periodMs: key.periodMs };
}
