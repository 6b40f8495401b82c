// Several filters under one watch: a limit of time costs a thread each time it is set, so it is set once for all lines of a piece.

import type { Failure } from "./fail2ban/failure.ts";
import type { FilterEngine } from "./fail2ban/filter-engine.ts";
import type { LineEngine } from "./filter.ts";

/** A line and the number of the filter that sees it. */
export interface LineForFilter {
  readonly filter: number;
  /** With its LF. */
  readonly ended: string;
  /** The text is known to be of ASCII alone. */
  readonly isAscii: boolean;
}

/** Parts are named `FILTER: PART`, as `3: failregex 2`. */
export class FilterSet implements LineEngine<Failure, LineForFilter> {
  readonly #engines: readonly FilterEngine[];
  readonly #ended = new Set<number>();
  #last = 0;

  constructor(engines: readonly FilterEngine[]) {
    this.#engines = engines;
  }

  see({ filter, ended, isAscii }: LineForFilter): Failure | undefined {
    this.#last = filter;
    return this.#ended.size > 0 && this.#ended.has(filter)
      ? undefined
      : this.#engines[filter]?.seeEnded(ended, isAscii);
  }

  get running(): string {
    return `${this.#last}: ${this.#engines[this.#last]?.running ?? "filter"}`;
  }

  /** Goes on without a part of one filter, or without the filter when nothing of it is left; the others go on. */
  leaveOut(part: string): boolean {
    const filter = Number.parseInt(part, 10);
    const left = this.#engines[filter]?.leaveOut(part.slice(part.indexOf(": ") + 2)) ?? false;
    if (!left) this.#ended.add(filter);
    return true;
  }

  /** Nothing of this filter runs any more. */
  isEnded(filter: number): boolean {
    return this.#ended.has(filter);
  }

  warmUp(): void {
    for (const engine of this.#engines) engine.warmUp();
  }
}
