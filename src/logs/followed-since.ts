// Since when logs have been followed: what was written before is what a replay brings; what came later was read already.

import type { PlaceChange } from "../store/places.ts";
import type { KnownPlaces } from "./known-places.ts";

const place = { source: "replay", key: "followed since" } as const;
/** A stamp from before this long was made by a clock that was wrong. */
const wrongMs = 2 * 366 * 86_400_000;

export class FollowedSince {
  readonly #places: KnownPlaces;
  #at: number;
  #isSaved: boolean;

  /** `now` in ms since the epoch, for a house that has followed nothing yet. */
  constructor(places: KnownPlaces, now: number) {
    const saved = Number(places.list().find(({ source, key }) => source === place.source && key === place.key)?.body);
    this.#places = places;
    this.#isSaved = saved > 0;
    this.#at = this.#isSaved ? saved : now;
  }

  /** ms since the epoch. */
  get at(): number {
    return this.#at;
  }

  /** An event that was followed, as far back as a log was read from its start. */
  see(eventAt: number): void {
    if (!(eventAt < this.#at) || eventAt < this.#at - wrongMs) return;
    this.#at = eventAt;
    this.#isSaved = false;
  }

  /** What is to be written with the next commit. */
  change(): readonly PlaceChange[] {
    return this.#isSaved ? [] : [{ ...place, body: String(this.#at) }];
  }

  /** A commit with these is on disk; a later `see` may have moved it on meanwhile. */
  written(changes: readonly PlaceChange[]): void {
    this.#places.note(changes);
    if (changes[0]?.body === String(this.#at)) this.#isSaved = true;
  }
}
