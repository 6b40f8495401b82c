// Mail address patterns by their parts: an address finds those that match it with a handful of look-ups.

import { type Glob, matchesGlob, parseGlob } from "./glob.ts";
import { type Found, SuffixMap } from "./suffix-map.ts";

interface Entry {
  readonly local: Glob;
  readonly domain: Glob;
  readonly id: number;
}

/** Each pattern is added once, with its own id. */
export class AddressIndex {
  /** `user@domain` without a wildcard. */
  readonly #whole = new Map<string, number>();
  /** `@domain`: any local part. */
  readonly #domains = new Map<string, number>();
  /** `@*.domain`, by `.domain`. */
  readonly #below = new SuffixMap();
  /** `user@*`. */
  readonly #locals = new Map<string, number>();
  /** `a*@domain`, by domain. */
  readonly #inDomain = new Map<string, Entry[]>();
  /** What has no other place: tried one after the other. */
  readonly #rest: Entry[] = [];

  /** `local` and `domain` as in the AST: lower case, `*` is a wildcard. */
  add(local: string, domain: string, id: number): void {
    const anyLocal = local === "*";
    const wild = local.includes("*");
    if (!domain.includes("*")) {
      if (anyLocal) this.#domains.set(domain, id);
      else if (!wild) this.#whole.set(`${local}@${domain}`, id);
      else this.#addInDomain(domain, { local: parseGlob(local), domain: parseGlob(domain), id });
    } else if (anyLocal && /^\*\.[^*]+$/.test(domain)) this.#below.add(domain.slice(1), id);
    else if (!wild && domain === "*") this.#locals.set(local, id);
    else this.#rest.push({ local: parseGlob(local), domain: parseGlob(domain), id });
  }

  #addInDomain(domain: string, entry: Entry): void {
    const list = this.#inDomain.get(domain) ?? [];
    list.push(entry);
    this.#inDomain.set(domain, list);
  }

  /** Calls `found` for every pattern that matches the address, in no order. */
  each(local: string, domain: string, found: Found): void {
    report(this.#whole.size === 0 ? undefined : this.#whole.get(`${local}@${domain}`), found);
    report(this.#domains.get(domain), found);
    report(this.#locals.get(local), found);
    this.#below.each(domain, found);
    const entries = this.#inDomain.get(domain);
    if (entries !== undefined) for (const each of entries) if (matchesGlob(each.local, local)) found(each.id);
    for (const each of this.#rest) {
      if (matchesGlob(each.local, local) && matchesGlob(each.domain, domain)) found(each.id);
    }
  }
}

function report(id: number | undefined, found: Found): void {
  if (id !== undefined) found(id);
}
