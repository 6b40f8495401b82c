// Lines: chunks of bytes become lines, without a copy where it can be helped. A line ends with LF and nothing else.

/**
 * The longest line that is read. Postfix and Dovecot stay below 8 KiB; a journal entry as JSON below 32 KiB.
 * A longer line is skipped whole, so that memory stays bounded whatever a log holds.
 */
export const lineBytesMax = 64 * 1024;

/** One line: the bytes `start` to `end` (without LF and CR) of `bytes`, valid during the call only. `number` counts LF from 1. */
export type SeeLine = (bytes: Buffer, start: number, end: number, number: number) => void;

const lf = 10;
const cr = 13;

/** Splits chunks of one file into lines. */
export class LineSplitter {
  /** The beginning of a line whose end is in a chunk to come. */
  #rest = Buffer.alloc(0);
  #restLength = 0;
  #skipping = false;
  #number = 0;
  #skipped = 0;

  /** Lines that were longer than `lineBytesMax`. */
  get skipped(): number {
    return this.#skipped;
  }

  /** LF bytes seen so far. */
  get number(): number {
    return this.#number;
  }

  /** Calls `see` for each line that ends in `chunk`; the chunk may be used again when this returns. */
  split(chunk: Buffer, see: SeeLine): void {
    let start = 0;
    if (this.#restLength > 0 || this.#skipping) {
      const end = chunk.indexOf(lf);
      this.#keep(chunk, 0, end < 0 ? chunk.length : end);
      if (end < 0) return;
      this.#endRest(see);
      start = end + 1;
    }
    for (;;) {
      start = afterHole(chunk, start, chunk.length);
      const end = chunk.indexOf(lf, start);
      if (end < 0) break;
      this.#number++;
      if (end - start > lineBytesMax) this.#skipped++;
      else see(chunk, start, end > start && chunk[end - 1] === cr ? end - 1 : end, this.#number);
      start = end + 1;
    }
    this.#keep(chunk, start, chunk.length);
  }

  /** The last line, when the file does not end with LF; then ready for another file, counting from 1. */
  end(see: SeeLine): void {
    if (this.#restLength > 0 || this.#skipping) this.#endRest(see);
    this.#number = 0;
  }

  #endRest(see: SeeLine): void {
    this.#number++;
    const length = this.#restLength;
    const overlong = this.#skipping;
    this.#restLength = 0;
    this.#skipping = false;
    if (overlong) this.#skipped++;
    else see(this.#rest, 0, length > 0 && this.#rest[length - 1] === cr ? length - 1 : length, this.#number);
  }

  #keep(chunk: Buffer, from: number, end: number): void {
    const start = this.#restLength === 0 ? afterHole(chunk, from, end) : from;
    const length = end - start;
    if (length === 0 || this.#skipping) return;
    if (this.#restLength + length > lineBytesMax) {
      this.#skipping = true;
      this.#restLength = 0;
      return;
    }
    if (this.#rest.length === 0) this.#rest = Buffer.alloc(lineBytesMax);
    chunk.copy(this.#rest, this.#restLength, start, end);
    this.#restLength += length;
  }
}

/** Behind the NUL bytes that a line begins with: the hole that copytruncate leaves is as long as the log was. */
function afterHole(bytes: Buffer, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] === 0) i++;
  return i;
}
