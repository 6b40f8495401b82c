// A filter under guard: a pattern that does not come to an end on a line is interrupted, and after the third time left alone.

import { createContext, Script } from "node:vm";

/** A line that takes longer was written to take long. */
const matchTimeoutMs = 100;
const timeoutsMax = 3;

interface LineEngine<F> {
  see(line: string): F | undefined;
}

/** What one line gave: a failure, nothing, an interrupted match, or a filter that is left alone. */
type Seen<F> =
  | { readonly kind: "failure"; readonly failure: F }
  | { readonly kind: "nothing" }
  | { readonly kind: "interrupted"; readonly quarantined: boolean }
  | { readonly kind: "quarantined" };

/** Runs an engine over lines with a limit of time that can interrupt a running regular expression. */
export class GuardedFilter<F> {
  readonly #engine: LineEngine<F>;
  readonly #box: { see: () => void };
  readonly #script = new Script("see()");
  readonly #timeoutMs: number;
  #line = "";
  #failure: F | undefined;
  #timeouts = 0;

  constructor(engine: LineEngine<F>, timeoutMs = matchTimeoutMs) {
    this.#engine = engine;
    this.#timeoutMs = timeoutMs;
    const see = () => {
      this.#failure = this.#engine.see(this.#line);
    };
    this.#box = { see };
    createContext(this.#box);
  }

  get quarantined(): boolean {
    return this.#timeouts >= timeoutsMax;
  }

  see(line: string): Seen<F> {
    if (this.quarantined) return { kind: "quarantined" };
    this.#line = line;
    this.#failure = undefined;
    try {
      this.#script.runInContext(this.#box, { timeout: this.#timeoutMs });
    } catch (error) {
      if (!isTimeout(error)) throw error;
      this.#timeouts++;
      return { kind: "interrupted", quarantined: this.quarantined };
    }
    return this.#failure === undefined ? { kind: "nothing" } : { kind: "failure", failure: this.#failure };
  }
}

function isTimeout(error: unknown): boolean {
  // The error is made in the other context, so it is no instance of our Error.
  return (
    typeof error === "object" && error !== null && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
  );
}
