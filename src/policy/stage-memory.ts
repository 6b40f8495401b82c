// Which stages were told lately: a window that sways around 80% says so once a period.

import type { Stage } from "../core/rules.ts";

/** Stages remembered; beyond it the oldest may be told once more. */
const stagesMax = 10_000;

export class StageMemory {
  readonly #reached = new Map<string, number>();

  /** True, and remembered, unless the same stage of the cell was reached within the last `periodMs`. */
  isNew(key: string, stage: Stage, periodMs: number, now: number): boolean {
    const id = `${stage.share} ${stage.action} ${key}`;
    const last = this.#reached.get(id);
    if (last !== undefined && last + periodMs > now) return false;
    this.#reached.delete(id);
    this.#reached.set(id, now);
    if (this.#reached.size > stagesMax) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    const [oldest] = this.#reached.keys();
    if (oldest !== undefined) this.#reached.delete(oldest);
  }
}
