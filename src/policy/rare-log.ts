// A log for what a stranger can cause: a few lines a minute of each kind, then only their number.

import type { Log, LogFields } from "../core/log.ts";

/** Lines of one event in one period; the rest is counted and told with the next line that is written. */
const linesMax = 5;

/** Warnings by event name; the event names are ours, so there are few. The owner says when a period is over. */
export class RareLog {
  readonly #log: Log;
  readonly #lines = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  warn(event: string, fields: LogFields): void {
    const lines = (this.#lines.get(event) ?? 0) + 1;
    this.#lines.set(event, lines);
    if (lines <= linesMax) this.#log.warn(event, fields);
  }

  /** Begins the next period and says what was left out in this one. */
  nextPeriod(): void {
    for (const [event, lines] of this.#lines) {
      if (lines > linesMax) this.#log.warn(event, { more: lines - linesMax });
    }
    this.#lines.clear();
  }
}
