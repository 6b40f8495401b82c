// Cells as they came from the disk at start, in the order of their keys: the texts of a thousand in one. A hundred thousand cost
// no object that a collection would have to walk, and a start reads none of them. A cell leaves when it is first asked for, or over.

import { compareKeys } from "./key-order.ts";
import type { PackedPage } from "./sqlite-calls.ts";

/** Between the keys, and between the states, of a page. */
const separator = "\x1f";

interface Page {
  readonly firstKey: string;
  readonly count: number;
  keys: string;
  states: string;
  readonly ends: string;
  /** Known once the page is first looked at. */
  places: Places | undefined;
  /** Cells that are still here. */
  left: number;
}

/** By the number of a cell in its page. */
interface Places {
  readonly keyEnds: Uint32Array;
  readonly stateEnds: Uint32Array;
  /** Negative once a cell has left. */
  readonly expiresAt: Float64Array;
}

export interface PackedCell {
  /** As cell-text.ts renders it; part of a longer text, so not to be kept. */
  readonly state: string;
  readonly expiresAt: number;
}

export class PackedCells {
  #pages: Page[] = [];
  #left = 0;
  /** Where forgetting goes on. */
  #hand = { page: 0, place: 0 };

  get size(): number {
    return this.#left;
  }

  /** All keys of `page` come after those of the page before. */
  add({ count, keys, states, expiresAt }: PackedPage): void {
    const end = keys.indexOf(separator);
    const firstKey = end < 0 ? keys : keys.slice(0, end);
    this.#pages.push({ firstKey, count, keys, states, ends: expiresAt, places: undefined, left: count });
    this.#left += count;
  }

  has(key: string): boolean {
    return this.#left > 0 && this.#find(key) !== undefined;
  }

  /** Takes a cell out. */
  take(key: string): PackedCell | undefined {
    const found = this.#left === 0 ? undefined : this.#find(key);
    if (found === undefined) return undefined;
    const { page, places, place } = found;
    const state = textAt(page.states, places.stateEnds, place);
    const expiresAt = places.expiresAt[place] ?? 0;
    this.#leave(page, places, place);
    return { state, expiresAt };
  }

  /** Looks at `steps` cells; drops those that are over at `now`, or all when `cold`. Returns how many went that are not over. */
  forget(steps: number, now: number, cold: boolean): number {
    let forgotten = 0;
    for (let step = 0; step < steps && this.#left > 0; step++) {
      const page = this.#pages[this.#hand.page];
      if (page === undefined) this.#hand = { page: 0, place: 0 };
      else if (page.left === 0 || this.#hand.place >= page.count) this.#hand = { page: this.#hand.page + 1, place: 0 };
      else if (this.#forgetOne(page, this.#hand.place++, now, cold)) forgotten++;
    }
    return forgotten;
  }

  #forgetOne(page: Page, place: number, now: number, cold: boolean): boolean {
    const places = placesOf(page);
    const expiresAt = places.expiresAt[place] ?? -1;
    if (expiresAt < 0 || (expiresAt > now && !cold)) return false;
    this.#leave(page, places, place);
    return expiresAt > now;
  }

  #leave(page: Page, places: Places, place: number): void {
    places.expiresAt[place] = -1;
    this.#left--;
    if (--page.left === 0) page.keys = page.states = "";
    if (this.#left === 0) this.#pages = [];
  }

  #find(key: string): { readonly page: Page; readonly places: Places; readonly place: number } | undefined {
    const page = this.#pages[lastNotBehind(key, this.#pages.length, (n) => this.#pages[n]?.firstKey ?? "")];
    if (page === undefined || page.left === 0) return undefined;
    const places = placesOf(page);
    const place = lastNotBehind(key, page.count, (n) => textAt(page.keys, places.keyEnds, n));
    if (place < 0 || (places.expiresAt[place] ?? -1) < 0) return undefined;
    return textAt(page.keys, places.keyEnds, place) === key ? { page, places, place } : undefined;
  }
}

/** The last of `count` keys in order that is not behind `key`, -1 when all are. */
function lastNotBehind(key: string, count: number, keyAt: (n: number) => string): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keyAt(middle), key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function textAt(texts: string, ends: Uint32Array, place: number): string {
  return texts.slice(place === 0 ? 0 : (ends[place - 1] ?? 0) + 1, ends[place]);
}

function placesOf(page: Page): Places {
  page.places ??= {
    keyEnds: endsOf(page.keys, page.count),
    stateEnds: endsOf(page.states, page.count),
    expiresAt: Float64Array.from(page.ends.split(","), Number),
  };
  return page.places;
}

function endsOf(texts: string, count: number): Uint32Array {
  const ends = new Uint32Array(count);
  let end = -1;
  for (let place = 0; place < count; place++) {
    end = texts.indexOf(separator, end + 1);
    if (end < 0) end = texts.length;
    ends[place] = end;
  }
  return ends;
}
