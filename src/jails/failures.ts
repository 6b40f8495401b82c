// How many failures an address (or another id) has within `findtime`: exactly, or as Fail2ban estimates it.
// No clock and no timer: the time comes with each failure.

export interface CounterSetting {
  readonly maxretry: number;
  readonly findtimeMs: number;
  /** `sliding`: never counts what is older than findtime. `estimate`: Fail2ban's rate, for the same bans at the same lines. */
  readonly method: "sliding" | "estimate";
}

export interface Counted {
  readonly count: number;
  /** maxretry is reached; the id starts again from nought. */
  readonly ban: boolean;
  /** Times of the failures that count, oldest first; the estimate knows the first and the last only. */
  readonly times: readonly number[];
}

/** As Fail2ban: what fell out of the window is looked for no more often. */
const cleanEveryMs = 5_000;
/** Ids beyond this push out the one that failed longest ago: hostile networks have more addresses than memory. */
const idsMaxDefault = 1_000_000;

export interface FailureCounter {
  /** Counts a failure of `id` at `at`, seen at `now`; a failure is never in the future. */
  add(id: string, at: number, now: number): Counted;
  /** Forgets the failures of an id: it was unbanned, or it succeeded. */
  forget(id: string): boolean;
  readonly size: number;
}

/** An empty counter; both methods forget what is older than findtime. */
export function makeFailureCounter(setting: CounterSetting, idsMax = idsMaxDefault): FailureCounter {
  return setting.method === "sliding" ? new SlidingCounter(setting, idsMax) : new EstimateCounter(setting, idsMax);
}

/** The last maxretry times of each id; in order, so that the first is the oldest. */
class SlidingCounter implements FailureCounter {
  readonly #setting: CounterSetting;
  readonly #idsMax: number;
  readonly #times = new Map<string, number[]>();
  #cleanAt = Number.NEGATIVE_INFINITY;

  constructor(setting: CounterSetting, idsMax: number) {
    this.#setting = setting;
    this.#idsMax = idsMax;
  }

  get size(): number {
    return this.#times.size;
  }

  add(id: string, at: number, now: number): Counted {
    const time = Math.min(at, now);
    const before = this.#times.get(id) ?? [];
    // A window ends at the latest failure, also when lines come out of order.
    const from = Math.max(time, before.at(-1) ?? time) - this.#setting.findtimeMs;
    const times = insert(before, time).filter((one) => one > from);
    const ban = times.length >= this.#setting.maxretry;
    this.#times.delete(id);
    if (!ban) this.#times.set(id, times);
    this.#clean(now);
    return { count: times.length, ban, times };
  }

  forget(id: string): boolean {
    return this.#times.delete(id);
  }

  #clean(now: number): void {
    pushOut(this.#times, this.#idsMax);
    if (now < this.#cleanAt) return;
    this.#cleanAt = now + cleanEveryMs;
    // The map is in the order of the last failure seen, so the old ones stand first.
    for (const [id, times] of this.#times) {
      if ((times.at(-1) ?? 0) > now - this.#setting.findtimeMs) break;
      this.#times.delete(id);
    }
  }
}

function insert(times: readonly number[], time: number): number[] {
  const at = times.findLastIndex((one) => one <= time) + 1;
  return [...times.slice(0, at), time, ...times.slice(at)];
}

interface Rate {
  first: number;
  last: number;
  retry: number;
}

/** One rate an id: what is older than findtime is thought to have been spread evenly. */
class EstimateCounter implements FailureCounter {
  readonly #setting: CounterSetting;
  readonly #idsMax: number;
  readonly #rates = new Map<string, Rate>();
  #cleanAt = Number.NEGATIVE_INFINITY;

  constructor(setting: CounterSetting, idsMax: number) {
    this.#setting = setting;
    this.#idsMax = idsMax;
  }

  get size(): number {
    return this.#rates.size;
  }

  add(id: string, at: number, now: number): Counted {
    const time = Math.min(at, now);
    const rate = this.#rates.get(id) ?? { first: time, last: time, retry: 0 };
    if (time > rate.last) this.#advance(rate, time);
    rate.retry++;
    const ban = rate.retry >= this.#setting.maxretry;
    this.#rates.delete(id);
    if (!ban) this.#rates.set(id, rate);
    this.#clean(now);
    return { count: rate.retry, ban, times: [rate.first, rate.last] };
  }

  forget(id: string): boolean {
    return this.#rates.delete(id);
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
    pushOut(this.#rates, this.#idsMax);
    if (now < this.#cleanAt) return;
    this.#cleanAt = now + cleanEveryMs;
    for (const [id, rate] of this.#rates) if (rate.last <= now - this.#setting.findtimeMs) this.#rates.delete(id);
  }
}

function pushOut(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return;
  const oldest = map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
}

/** As Python rounds: a half goes to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
