// Where the lines of a piece begin and end, found once for all consumers.

import { LineSplitter } from "../core/line.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { Piece } from "./source.ts";

type BatchFacts = Pick<LineBatch, "readAt" | "isLive" | "isReplay">;

/** Its arrays are used again for every piece. */
export class LineTable {
  readonly #splitter = new LineSplitter();
  #starts = new Int32Array(4_096);
  #ends = new Int32Array(4_096);

  batchOf(source: string, { bytes, stream }: Piece, more: BatchFacts): LineBatch {
    const skippedBefore = this.#splitter.skipped;
    let count = 0;
    this.#splitter.split(bytes, (_, start, end) => {
      if (count === this.#starts.length) this.#grow();
      this.#starts[count] = start;
      this.#ends[count] = end;
      count++;
    });
    const skipped = this.#splitter.skipped - skippedBefore;
    return { source, stream, bytes, starts: this.#starts, ends: this.#ends, count, skipped, ...more };
  }

  #grow(): void {
    const [starts, ends] = [this.#starts, this.#ends];
    this.#starts = new Int32Array(starts.length * 2);
    this.#ends = new Int32Array(ends.length * 2);
    this.#starts.set(starts);
    this.#ends.set(ends);
  }
}
