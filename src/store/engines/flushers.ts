// Who waits until all that was charged before their call is on disk.

interface Flusher {
  /** performance.now() of the call. */
  readonly calledAt: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Flushers {
  #waiting: Flusher[] = [];

  add(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ calledAt: performance.now(), resolve, reject });
    });
  }

  /** All is on disk but jobs called at `oldestCall` or later. */
  settle(oldestCall: number): void {
    this.#waiting = this.#waiting.filter((flusher) => {
      if (oldestCall <= flusher.calledAt) return true;
      flusher.resolve();
      return false;
    });
  }

  reject(error: unknown): void {
    for (const flusher of this.#waiting.splice(0)) flusher.reject(error);
  }
}
