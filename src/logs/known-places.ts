// The places of all sources as they stand in the logs thread: what was on disk at its start, and every move since. A source that
// is begun again goes on where its lines were read to, though the commit of it may still be under way: commits keep their order.

import type { PlaceChange, SavedPlace } from "../store/places.ts";

export class KnownPlaces {
  readonly #places: Map<string, SavedPlace>;

  constructor(saved: readonly SavedPlace[]) {
    this.#places = new Map(saved.map((place) => [keyOf(place), place]));
  }

  list(): readonly SavedPlace[] {
    return [...this.#places.values()];
  }

  note(changes: readonly PlaceChange[]): void {
    for (const { source, key, body } of changes) {
      if (body === undefined) this.#places.delete(keyOf({ source, key }));
      else this.#places.set(keyOf({ source, key }), { source, key, body });
    }
  }
}

function keyOf({ source, key }: Pick<SavedPlace, "source" | "key">): string {
  return `${source}\0${key}`;
}
