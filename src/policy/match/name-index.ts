// Patterns for names of one piece, hosts and logins: whole ones, those below a suffix, other wildcards.

import { type Glob, matchesGlob, parseGlob } from "./glob.ts";
import { type Found, SuffixMap } from "./suffix-map.ts";

/** Each pattern is added once, with its own id. */
export class NameIndex {
  readonly #whole = new Map<string, number>();
  /** `*.domain` and `*@domain`, by what follows the wildcard. */
  readonly #below = new SuffixMap();
  readonly #rest: { readonly glob: Glob; readonly id: number }[] = [];

  /** `pattern` in lower case; `*` is a wildcard. */
  add(pattern: string, id: number): void {
    if (!pattern.includes("*")) this.#whole.set(pattern, id);
    else if (/^\*[.@][^*]*$/.test(pattern)) this.#below.add(pattern.slice(1), id);
    else this.#rest.push({ glob: parseGlob(pattern), id });
  }

  /** Calls `found` for the pattern without a wildcard that is this name. */
  whole(name: string, found: Found): void {
    const id = this.#whole.get(name);
    if (id !== undefined) found(id);
  }

  /** Calls `found` for every pattern with a wildcard that matches. */
  wild(name: string, found: Found): void {
    this.#below.each(name, found);
    for (const { glob, id } of this.#rest) if (matchesGlob(glob, name)) found(id);
  }
}
