// Chunks of a stream become pieces of whole lines, so that the place behind a piece is the end of a line. Memory stays
// bounded whatever comes: of a line that is too long only its end is waited for.

import { lineBytesMax } from "../core/line.ts";

const lf = 10;

export class WholeLines {
  #rest: Buffer = Buffer.alloc(0);
  #skipping = false;
  #skipped = 0;

  /** Lines that were longer than a line may be. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Whole lines up to the last LF of `chunk`; undefined when no line ends in it. The chunk is the caller's no more. */
  push(chunk: Buffer): Buffer | undefined {
    let start = 0;
    if (this.#skipping) {
      start = chunk.indexOf(lf) + 1;
      if (start === 0) return undefined;
      this.#skipping = false;
      this.#skipped++;
    }
    const end = chunk.lastIndexOf(lf) + 1;
    if (end <= start) {
      this.#keep(chunk, start);
      return undefined;
    }
    const whole = chunk.subarray(start, end);
    const piece = this.#rest.length === 0 ? whole : Buffer.concat([this.#rest, whole]);
    this.#rest = Buffer.alloc(0);
    this.#keep(chunk, end);
    return piece;
  }

  /** The last line when it had no LF, with one. */
  end(): Buffer | undefined {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    if (this.#skipping) this.#skipped++;
    this.#skipping = false;
    return rest.length === 0 ? undefined : Buffer.concat([rest, Buffer.of(lf)]);
  }

  #keep(chunk: Buffer, start: number): void {
    if (start >= chunk.length) return;
    if (this.#rest.length + chunk.length - start > lineBytesMax) {
      this.#skipping = true;
      this.#rest = Buffer.alloc(0);
    } else this.#rest = Buffer.concat([this.#rest, chunk.subarray(start)]);
  }
}
