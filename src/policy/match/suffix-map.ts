// Suffixes of names (`.example.org`, `@example.org`): a name finds all of its own with one look-up a dot.

/** Told the id of each pattern that matches. */
export type Found = (id: number) => void;

export class SuffixMap {
  readonly #ids = new Map<string, number>();
  /** A name of a client may be long and all dots; beyond the longest suffix nothing can be found. */
  #longest = 0;

  /** `suffix` begins with `.` or `@`. */
  add(suffix: string, id: number): void {
    this.#ids.set(suffix, id);
    this.#longest = Math.max(this.#longest, suffix.length);
  }

  /** Calls `found` for each suffix that `name` ends with, the shortest first; a suffix may be the whole name. */
  each(name: string, found: Found): void {
    const last = Math.max(0, name.length - this.#longest);
    for (let i = name.length - 1; i >= last; i--) {
      const code = name.charCodeAt(i);
      if (code !== dot && code !== at) continue;
      const id = this.#ids.get(name.slice(i));
      if (id !== undefined) found(id);
    }
  }
}

const dot = ".".charCodeAt(0);
const at = "@".charCodeAt(0);
