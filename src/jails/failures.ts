// How many failures an address (or another id) has within `findtime`: exactly, or as Fail2ban estimates it.
// No clock and no timer: the time comes with each failure.

import { parseIp, printIp } from "../core/ip.ts";
import type { FailureBudget } from "./failure-budget.ts";

export interface CounterSetting {
  readonly maxretry: number;
  readonly findtimeMs: number;
  /** `sliding`: never counts what is older than findtime. `estimate`: Fail2ban's rate, for the same bans at the same lines. */
  readonly method: "sliding" | "estimate";
}

/** What is kept of one failure. */
export interface Failed {
  /** ms since the epoch. */
  readonly at: number;
  /** Where its line stands in LineMemory; below nought: nowhere. */
  readonly line: number;
  /** Failures of one mark may be lowered together: a hash of the account. */
  readonly mark: number;
}

export interface Counted {
  readonly count: number;
  /** maxretry is reached; the id starts again from nought. */
  readonly ban: boolean;
  /** When it is a ban: the failures that count, oldest first; the estimate knows the last ones only. */
  readonly failures: readonly Failed[];
}

/** As Fail2ban: what fell out of the window is looked for no more often. */
const cleanEveryMs = 5_000;
/** The estimate keeps no more failures of an id than this, for the lines of a ban. */
const estimateKeepsMax = 10;

export interface FailureCounter {
  /** Counts a failure of `id`, seen at `now`; a failure is never in the future. */
  add(id: string, failed: Failed, now: number): Counted;
  /** Forgets the failures of an id: it was unbanned. */
  forget(id: string): boolean;
  /** Forgets the failures of an id that have this mark; how many those were. The estimate forgets none. */
  lower(id: string, mark: number): number;
  /** True when a failure with this mark counts at the time of `at`. */
  has(id: string, mark: number, at: number): boolean;
  /** Ids that failed last, with their counts; at most `limit`. */
  last(limit: number): readonly (readonly [id: string, count: number, at: number])[];
  readonly size: number;
}

/** An empty counter; both methods forget what is older than findtime. */
export function makeFailureCounter(setting: CounterSetting, budget: FailureBudget): FailureCounter {
  return setting.method === "sliding" ? new SlidingCounter(setting, budget) : new EstimateCounter(setting, budget);
}

/** An IPv4 address as a number, which takes no room beside the entry and is found at once; every other id as it is. */
type Key = number | string;

function keyOf(id: string): Key {
  const ip = parseIp(id);
  // A mapped address is another text for the same number.
  return ip === undefined || ip.family === 6 || id.includes(":") ? id : ip.words[0] | 0;
}

function idOf(key: Key): string {
  return typeof key === "string" ? key : printIp({ family: 4, words: [key >>> 0, 0, 0, 0] });
}

/** Numbers of one failure in a flat list: an array of numbers costs a fraction of as many objects. */
const width = 3;

const none: readonly Failed[] = [];

function failuresOf(flat: readonly number[]): readonly Failed[] {
  const failures: Failed[] = [];
  for (let i = 0; i < flat.length; i += width)
    failures.push({ at: flat[i] ?? 0, line: flat[i + 1] ?? -1, mark: flat[i + 2] ?? 0 });
  return failures;
}

/** The last maxretry failures of each id; ids in the order of their last failure, so that the first is the oldest. */
class SlidingCounter implements FailureCounter {
  readonly #setting: CounterSetting;
  readonly #budget: FailureBudget;
  readonly #ids = new Map<Key, number[]>();
  #cleanAt = Number.NEGATIVE_INFINITY;

  constructor(setting: CounterSetting, budget: FailureBudget) {
    this.#setting = setting;
    this.#budget = budget;
    budget.join(this.#ids, lastTime);
  }

  get size(): number {
    return this.#ids.size;
  }

  add(id: string, failed: Failed, now: number): Counted {
    const time = Math.min(failed.at, now);
    const key = keyOf(id);
    const known = this.#ids.get(key);
    // Most addresses fail once: a list of just three numbers takes a third of one that has grown.
    const flat = known ?? [time, failed.line, failed.mark];
    if (known !== undefined) insert(flat, time, failed);
    // A window ends at the latest failure, also when lines come out of order.
    dropOld(flat, (flat[flat.length - width] ?? time) - this.#setting.findtimeMs);
    const count = flat.length / width;
    const ban = count >= this.#setting.maxretry;
    if (known !== undefined) this.#ids.delete(key);
    if (!ban) this.#ids.set(key, flat);
    this.#clean(now);
    return ban ? { count, ban, failures: failuresOf(flat) } : { count, ban, failures: none };
  }

  forget(id: string): boolean {
    return this.#ids.delete(keyOf(id));
  }

  lower(id: string, mark: number): number {
    if (this.#ids.size === 0) return 0;
    const key = keyOf(id);
    const flat = this.#ids.get(key);
    if (flat === undefined) return 0;
    const rest: number[] = [];
    for (let i = 0; i < flat.length; i += width)
      if (flat[i + 2] !== mark) rest.push(flat[i] ?? 0, flat[i + 1] ?? -1, flat[i + 2] ?? 0);
    if (rest.length === 0) this.#ids.delete(key);
    else if (rest.length < flat.length) this.#ids.set(key, rest);
    return (flat.length - rest.length) / width;
  }

  has(id: string, mark: number, at: number): boolean {
    const flat = this.#ids.get(keyOf(id)) ?? [];
    for (let i = 0; i < flat.length; i += width)
      if (flat[i + 2] === mark && (flat[i] ?? 0) > at - this.#setting.findtimeMs) return true;
    return false;
  }

  last(limit: number): readonly (readonly [string, number, number])[] {
    return lastOf(this.#ids, limit).map(([key, flat]) => [idOf(key), flat.length / width, lastTime(flat)]);
  }

  #clean(now: number): void {
    this.#budget.added();
    if (now < this.#cleanAt) return;
    this.#cleanAt = now + cleanEveryMs;
    for (const [id, flat] of this.#ids) {
      if (lastTime(flat) > now - this.#setting.findtimeMs) break;
      this.#ids.delete(id);
    }
  }
}

function lastTime(flat: readonly number[]): number {
  return flat[flat.length - width] ?? 0;
}

/** Puts a failure behind those that are not later. */
function insert(flat: number[], time: number, { line, mark }: Failed): void {
  let i = flat.length;
  while (i > 0 && (flat[i - width] ?? 0) > time) i -= width;
  if (i === flat.length) flat.push(time, line, mark);
  else flat.splice(i, 0, time, line, mark);
}

function dropOld(flat: number[], from: number): void {
  let i = 0;
  while (i < flat.length && (flat[i] ?? 0) <= from) i += width;
  if (i > 0) flat.splice(0, i);
}

interface Rate {
  first: number;
  last: number;
  retry: number;
  readonly flat: number[];
}

/** One rate an id: what is older than findtime is thought to have been spread evenly. */
class EstimateCounter implements FailureCounter {
  readonly #setting: CounterSetting;
  readonly #budget: FailureBudget;
  readonly #rates = new Map<Key, Rate>();
  #cleanAt = Number.NEGATIVE_INFINITY;

  constructor(setting: CounterSetting, budget: FailureBudget) {
    this.#setting = setting;
    this.#budget = budget;
    budget.join(this.#rates, ({ last }) => last);
  }

  get size(): number {
    return this.#rates.size;
  }

  add(id: string, failed: Failed, now: number): Counted {
    const time = Math.min(failed.at, now);
    const key = keyOf(id);
    const rate = this.#rates.get(key) ?? { first: time, last: time, retry: 0, flat: [] };
    if (time > rate.last) this.#advance(rate, time);
    rate.retry++;
    rate.flat.push(time, failed.line, failed.mark);
    if (rate.flat.length > estimateKeepsMax * width) rate.flat.splice(0, width);
    const ban = rate.retry >= this.#setting.maxretry;
    this.#rates.delete(key);
    if (!ban) this.#rates.set(key, rate);
    this.#clean(now);
    return { count: rate.retry, ban, failures: ban ? failuresOf(rate.flat) : [] };
  }

  forget(id: string): boolean {
    return this.#rates.delete(keyOf(id));
  }

  lower(): number {
    return 0;
  }

  has(id: string, mark: number, at: number): boolean {
    const flat = this.#rates.get(keyOf(id))?.flat ?? [];
    for (let i = 0; i < flat.length; i += width)
      if (flat[i + 2] === mark && (flat[i] ?? 0) > at - this.#setting.findtimeMs) return true;
    return false;
  }

  last(limit: number): readonly (readonly [string, number, number])[] {
    return lastOf(this.#rates, limit).map(([key, rate]) => [idOf(key), rate.retry, rate.last]);
  }

  #advance(rate: Rate, time: number): void {
    const { findtimeMs } = this.#setting;
    if (rate.first < time - findtimeMs) {
      rate.retry = roundHalfEven((rate.retry / (time - rate.first)) * findtimeMs);
      rate.first = time - findtimeMs;
    }
    rate.last = time;
  }

  #clean(now: number): void {
    this.#budget.added();
    if (now < this.#cleanAt) return;
    this.#cleanAt = now + cleanEveryMs;
    for (const [id, rate] of this.#rates) if (rate.last <= now - this.#setting.findtimeMs) this.#rates.delete(id);
  }
}

/** The last `limit` entries, the very last first. */
function lastOf<V>(map: ReadonlyMap<Key, V>, limit: number): readonly (readonly [Key, V])[] {
  const skip = Math.max(0, map.size - limit);
  return [...map.entries().drop(skip)].reverse();
}

/** As Python rounds: a half goes to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
