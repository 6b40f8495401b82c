// Limits raised for one counter until a time (`quota raise`), held in memory and swapped when the facts change.

export interface Raise {
  readonly key: string;
  readonly max: number;
  /** ms since the epoch. */
  readonly until: number;
}

export class Raises {
  #byKey: ReadonlyMap<string, Raise> = new Map();

  use(raises: readonly Raise[]): void {
    this.#byKey = new Map(raises.map((raise) => [raise.key, raise]));
  }

  /** The limit that holds for a cell at `now`: the raised one while it lasts, else `max`. */
  maxOf(key: string, max: number, now: number): number {
    const raise = this.#byKey.get(key);
    return raise !== undefined && raise.until > now ? raise.max : max;
  }

  find(key: string, now: number): Raise | undefined {
    const raise = this.#byKey.get(key);
    return raise !== undefined && raise.until > now ? raise : undefined;
  }
}
