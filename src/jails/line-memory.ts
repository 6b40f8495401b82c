// The lines that jails matched last, in a ring of bytes: a ban shows the lines that led to it, and a million failing addresses
// cost no more memory than a few.

/** About twenty thousand lines of a mail log. */
const bytesMaxDefault = 4 * 1024 * 1024;
/** Of a longer line this much is shown. */
const lineBytesMax = 1_024;
const lengthBytes = 2;

export class LineMemory {
  readonly #bytesMax: number;
  #ring: Buffer | undefined;
  /** Bytes written since the beginning; a line's number is where it begins in them. */
  #written = 0;
  #lastBytes: Buffer | undefined;
  #lastStart = -1;
  #lastLine = -1;

  constructor(bytesMax = bytesMaxDefault) {
    this.#bytesMax = bytesMax;
  }

  /** Keeps the bytes `start` to `end` of a piece; the number under which `read` has them as long as they are not overwritten. */
  keep(bytes: Buffer, start: number, end: number): number {
    if (bytes === this.#lastBytes && start === this.#lastStart) return this.#lastLine;
    const length = Math.min(end - start, lineBytesMax);
    this.#ring ??= Buffer.alloc(this.#bytesMax);
    const left = this.#bytesMax - (this.#written % this.#bytesMax);
    if (left < length + lengthBytes) this.#written += left;
    const at = this.#written % this.#bytesMax;
    this.#ring.writeUInt16LE(length, at);
    this.#ring.set(bytes.subarray(start, start + length), at + lengthBytes);
    this.#lastBytes = bytes;
    this.#lastStart = start;
    this.#lastLine = this.#written;
    this.#written += length + lengthBytes;
    return this.#lastLine;
  }

  /** A piece is over: its buffer will hold other lines. */
  endPiece(): void {
    this.#lastBytes = undefined;
  }

  /** The line, or undefined when it was overwritten. */
  read(line: number): string | undefined {
    if (this.#ring === undefined || line < 0 || line + this.#bytesMax < this.#written) return undefined;
    const at = line % this.#bytesMax;
    const length = this.#ring.readUInt16LE(at);
    return this.#ring.toString("utf8", at + lengthBytes, at + lengthBytes + length);
  }
}
