// A filter under guard: a pattern that does not come to an end on a line is interrupted, and after the third time left alone.
// Many lines are run in one go; a busy machine makes no pattern slow, as what is measured is the time of our own thread.

import { createContext, Script } from "node:vm";

/** A line that takes longer was written to take long. Time of our thread on a processor. */
const matchTimeoutMs = 100;
const timeoutsMax = 3;
/** A line alone gets so many times the limit by the clock on the wall, more each time: our thread may not get a processor. */
const patience = [2, 4, 8, 16];

/** What runs over lines, one after the other. */
export interface LineEngine<F, L = string> {
  see(line: L): F | undefined;
  /** The part that ran last; a line that takes too long is held against it. */
  readonly running?: string;
  /** Goes on without this part; false when nothing is left to run. */
  leaveOut?(part: string): boolean;
  /** Runs all parts once, so that their first line does not pay for making them ready. */
  warmUp?(): void;
}

/** What one line gave. `nothing` is not told of lines that are seen together. */
export type Seen<F> =
  | { readonly kind: "failure"; readonly failure: F }
  | { readonly kind: "nothing" }
  | {
      readonly kind: "interrupted";
      /** The part of the filter that took too long, as `failregex 2`. */
      readonly part: string;
      /** It runs no more. */
      readonly quarantined: boolean;
    }
  | { readonly kind: "quarantined" };

/** Runs an engine over lines with a limit of time that can interrupt a running regular expression. */
export class GuardedFilter<F, L = string> {
  readonly #engine: LineEngine<F, L>;
  readonly #box: { run: () => void };
  readonly #script = new Script("run()");
  readonly #timeoutMs: number;
  readonly #timeouts = new Map<string, number>();
  #lines: readonly L[] = [];
  #failures: (F | undefined)[] = [];
  #at = 0;
  #quarantined = false;

  constructor(engine: LineEngine<F, L>, timeoutMs = matchTimeoutMs) {
    this.#engine = engine;
    this.#timeoutMs = timeoutMs;
    this.#box = { run: () => this.#run() };
    createContext(this.#box);
    engine.warmUp?.();
  }

  /** Nothing of the filter runs any more. */
  get quarantined(): boolean {
    return this.#quarantined;
  }

  /** Parts that run no more, as `failregex 2`. */
  get leftOut(): readonly string[] {
    return [...this.#timeouts].filter(([, count]) => count >= timeoutsMax).map(([part]) => part);
  }

  see(line: L): Seen<F> {
    let result: Seen<F> = { kind: "nothing" };
    this.seeAll([line], (seen) => {
      result = seen;
    });
    return result;
  }

  /** Sees the lines in order; `take` hears of every one that gave something, with its index. */
  seeAll(lines: readonly L[], take: (seen: Seen<F>, index: number) => void): void {
    this.#lines = lines;
    this.#failures = new Array<F | undefined>(lines.length).fill(undefined);
    this.#at = 0;
    for (let told = 0; told < lines.length; ) {
      if (this.#quarantined) {
        take({ kind: "quarantined" }, told++);
        continue;
      }
      // The limit of one line, for all of them: who is interrupted was only unlucky, unless he is it again when he runs alone.
      const slow = this.#finishes(this.#timeoutMs) || this.#at >= lines.length ? undefined : this.#tryAlone();
      for (; told < this.#at; told++) {
        const failure = this.#failures[told];
        if (failure !== undefined) take({ kind: "failure", failure }, told);
      }
      if (slow === undefined) continue;
      take(slow, told++);
      this.#at = told;
    }
    this.#lines = [];
    this.#failures = [];
  }

  /** A line counts as seen in the same breath as what it gave is kept: nothing can interrupt in between. */
  #run(): void {
    const lines = this.#lines;
    const failures = this.#failures;
    while (this.#at < lines.length) {
      const failure = this.#engine.see(lines[this.#at] as L);
      failures[this.#at] = failure;
      this.#at++;
    }
  }

  /** The line that was interrupted, alone; what to tell of it when it does not end then either. */
  #tryAlone(): Seen<F> | undefined {
    const lines = this.#lines;
    const index = this.#at;
    this.#lines = lines.slice(0, index + 1);
    let usedMs = 0;
    for (const times of patience) {
      const before = threadMs();
      this.#finishes(this.#timeoutMs * times);
      usedMs = threadMs() - before;
      if (this.#at > index || usedMs >= this.#timeoutMs) break;
    }
    this.#lines = lines;
    if (this.#at > index) return undefined;
    const part = this.#engine.running ?? "filter";
    return usedMs >= this.#timeoutMs ? this.#count(part) : { kind: "interrupted", part, quarantined: false };
  }

  #count(part: string): Seen<F> {
    const count = (this.#timeouts.get(part) ?? 0) + 1;
    this.#timeouts.set(part, count);
    const quarantined = count >= timeoutsMax;
    if (quarantined && !this.#engine.leaveOut?.(part)) this.#quarantined = true;
    return { kind: "interrupted", part, quarantined };
  }

  #finishes(timeoutMs: number): boolean {
    try {
      this.#script.runInContext(this.#box, { timeout: Math.ceil(timeoutMs) });
      return true;
    } catch (error) {
      if (!isTimeout(error)) throw error;
      return false;
    }
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function isTimeout(error: unknown): boolean {
  // The error is made in the other context, so it is no instance of our Error.
  return (
    typeof error === "object" && error !== null && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
  );
}
