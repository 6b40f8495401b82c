// How many failing addresses all jails remember together: hostile networks have more of them than memory. When there are too many, those
// are forgotten that failed longest ago, whichever jail counted them.

/** A part in so many is forgotten at once: the first entry of a Map that lost many is found slowly. */
const partOfMax = 1_000;

interface Oldest {
  readonly at: number;
  readonly forget: () => void;
}

interface Crowd {
  readonly size: () => number;
  readonly oldestFirst: () => Iterator<Oldest, void>;
}

export class FailureBudget {
  readonly #max: number;
  readonly #crowds: Crowd[] = [];
  /** Additions that fit without a look. */
  #room = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Entries of all together. */
  get size(): number {
    return this.#crowds.reduce((sum, crowd) => sum + crowd.size(), 0);
  }

  /** `map` counts from now on; its entries stand in the order of their last failure, at `lastAt`. */
  join<K, V>(map: Map<K, V>, lastAt: (value: V) => number): void {
    this.#crowds.push({ size: () => map.size, oldestFirst: () => oldestFirst(map, lastAt) });
  }

  /** To be called whenever an entry may have come to one of the maps. */
  added(): void {
    if (this.#room > 0) {
      this.#room--;
      return;
    }
    const over = this.size - this.#max;
    if (over > 0) this.#forget(over + Math.floor(this.#max / partOfMax));
    this.#room = Math.max(0, this.#max - this.size);
  }

  #forget(count: number): void {
    const cursors = this.#crowds.map((crowd) => {
      const iterator = crowd.oldestFirst();
      return { iterator, head: iterator.next(), size: crowd.size() };
    });
    for (let left = count; left > 0; left--) {
      const first = cursors.reduce(older, undefined);
      if (first === undefined || first.head.done === true) return;
      first.head.value.forget();
      first.head = first.iterator.next();
      first.size--;
    }
  }
}

interface Cursor {
  readonly iterator: Iterator<Oldest, void>;
  head: IteratorResult<Oldest, void>;
  size: number;
}

/** The one whose next entry failed longer ago; of the same time, as stamps have it, the larger one. */
function older(a: Cursor | undefined, b: Cursor): Cursor {
  const at = ({ head }: Cursor) => (head.done === true ? Number.POSITIVE_INFINITY : head.value.at);
  if (a === undefined) return b;
  return at(b) < at(a) || (at(b) === at(a) && b.size > a.size) ? b : a;
}

function* oldestFirst<K, V>(map: Map<K, V>, lastAt: (value: V) => number): Generator<Oldest, void> {
  for (const [key, value] of map) yield { at: lastAt(value), forget: () => map.delete(key) };
}
