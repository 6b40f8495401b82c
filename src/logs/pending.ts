// What was read and is to be committed next: the effects of lines, and the places behind them.

import type { PlaceChange } from "../store/places.ts";
import type { Piece } from "./source.ts";

/** Read ahead of a commit at most: this many bytes, and this many writes. */
const pendingBytesMax = 4 * 1024 * 1024;
const pendingWritesMax = 10_000;

export interface LogCommit<Write> {
  readonly places: readonly PlaceChange[];
  readonly writes: readonly Write[];
}

export class Pending<Write> {
  readonly #places = new Map<string, PlaceChange>();
  readonly #writes: Write[] = [];
  #bytes = 0;
  /** Writes came to what had been places only. */
  becameUrgent = false;
  /** False: something in it must be written at once. */
  mayWait = true;

  get isEmpty(): boolean {
    return this.#places.size === 0 && this.#writes.length === 0;
  }

  get isFull(): boolean {
    return this.#bytes >= pendingBytesMax || this.#writes.length >= pendingWritesMax;
  }

  get hasWrites(): boolean {
    return this.#writes.length > 0;
  }

  add(piece: Piece, writes: readonly Write[]): void {
    this.addWrites(writes);
    for (const place of piece.places) this.#places.set(`${place.source}\0${place.key}`, place);
    this.#bytes += piece.bytes.length;
  }

  addWrites(writes: readonly Write[]): void {
    if (this.#writes.length === 0 && writes.length > 0) this.becameUrgent = true;
    for (const write of writes) this.#writes.push(write);
  }

  content(): LogCommit<Write> {
    return { places: [...this.#places.values()], writes: this.#writes };
  }
}
