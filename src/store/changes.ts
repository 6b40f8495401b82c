// Who wants to hear that a fact changed, inside this process. Engines that know other nodes tell them too.

import type { Changes, Fact } from "./db.ts";

type Listener = (fact: Fact) => void | Promise<void>;

/** Changes among the listeners of one process. `announce` waits for all of them, then throws the first failure, so that none is skipped. */
export class LocalChanges implements Changes {
  readonly #listeners = new Set<Listener>();

  async announce(fact: Fact): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#listeners].map(async (listener) => listener(fact)));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  onChange(listener: Listener): () => void {
    // Wrapped, so that the same function may listen twice and stop once.
    const own: Listener = (fact) => listener(fact);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }
}
