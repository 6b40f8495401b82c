// The only door to time. Engines get their time with the question; nothing else in the house reads a clock.

export interface Clock {
  /** Milliseconds since the Unix epoch; never runs backwards while the process lives. */
  now(): number;
}

/** Wall time at start plus monotonic time since: a step of the machine's clock moves no window while we run. */
export function steadyClock(): Clock {
  const startedAt = Date.now() - performance.now();
  return { now: () => Math.floor(startedAt + performance.now()) };
}

/** A clock that tests and replays move by hand. */
export class ManualClock implements Clock {
  #now: number;

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  advance(ms: number): void {
    this.#now += ms;
  }

  set(now: number): void {
    this.#now = now;
  }
}
