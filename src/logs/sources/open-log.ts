// One open log file: its lines from a place on, and whether it is still the file that the place was in.

import { closeSync, fstatSync, readSync } from "node:fs";
import { type FilePlace, hashHead, headBytesMax, headOf } from "../place.ts";
import type { OpenedFile } from "./file-open.ts";

const lf = 10;
/** Bytes behind a place that may hold the beginning of a line. */
const tailBytes = 64 * 1024;

/** Where every file's bytes are read to: whoever takes a piece is done with it before the next is read. */
const headBuffer = Buffer.alloc(headBytesMax);

/** `lines`: whole lines were read. `more`: a part of an endless line was. `end`: nothing is there. `replaced`: truncated, or written anew. */
export type ReadOutcome = Buffer | "more" | "end" | "replaced";

export class OpenLog {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
  readonly #fd: number;
  #begin = 0;
  #offset = 0;
  /** Where to read on: the offset, or inside a line that is too long. */
  #scan = 0;
  #skipping = false;
  /** The file begins with a hole, and what follows the offset may be the rest of it. */
  #isHole = false;
  #isInHole = false;
  #head: Buffer | undefined;
  #skipped = 0;

  constructor(path: string, file: OpenedFile) {
    this.path = path;
    this.device = file.device;
    this.inode = file.inode;
    this.#fd = file.fd;
    // Known before the first line is read, so that a truncation in between is seen.
    this.#know(headOf(this.#readHead(headBytesMax)));
  }

  /** Knows the file by its first line, before that is read. */
  learnHead(): void {
    if (this.#head !== undefined || this.#scan !== 0) return;
    this.#know(headOf(this.#readHead(headBytesMax)));
    this.#isInHole = this.#isHole;
  }

  /** Truncated again before it is read, it would look the same: empty, or a hole, which all begin alike. */
  get isAlike(): boolean {
    return this.#head === undefined || this.#isHole;
  }

  /** True when both begin with the same line: one is a copy of the other as it is. */
  hasHeadOf(other: OpenLog): boolean {
    return this.#head !== undefined && other.#head !== undefined && this.#head.equals(other.#head) && !this.#isHole;
  }

  get offset(): number {
    return this.#offset;
  }

  get skipped(): number {
    return this.#skipped;
  }

  get sizeBytes(): number {
    return Number(fstatSync(this.#fd).size);
  }

  /** ms since the epoch. */
  get changedAt(): number {
    return Number(fstatSync(this.#fd, { bigint: true }).mtimeNs) / 1e6;
  }

  /** False once the file has no name any more. */
  get isLinked(): boolean {
    return fstatSync(this.#fd).nlink > 0;
  }

  /** Goes to a place when this file is the one it was in; false when its beginning is another. */
  resume(place: FilePlace): boolean {
    if (place.headLength === 0) return place.device === this.device && place.inode === this.inode;
    const head = this.#readHead(place.headLength);
    if (head.length !== place.headLength || hashHead(head) !== place.head || this.sizeBytes < place.offset)
      return false;
    this.#know(head);
    this.#begin = place.begin;
    this.#goTo(place.offset);
    return true;
  }

  /** Goes on where another file was read, of which this is a copy; false when it is none. */
  resumeFrom(other: OpenLog): boolean {
    const head = other.#head;
    if (head === undefined || this.sizeBytes < other.#offset || !this.#readHead(head.length).equals(head)) return false;
    if (other.#isHole && !this.#isLineStart(other.#offset)) return false;
    this.#know(head);
    this.#isInHole = this.#isHole;
    this.#begin = other.#begin;
    this.#goTo(other.#offset);
    return true;
  }

  /** All holes begin alike: one that is a copy has the end of a line where the other was read to. */
  #isLineStart(offset: number): boolean {
    if (offset === 0) return false;
    return readSync(this.#fd, headBuffer, 0, 1, offset - 1) === 1 && headBuffer[0] === lf;
  }

  /** Goes to the end: behind the last LF, so that a line being written is read whole. */
  goToEnd(buffer: Buffer): void {
    const size = this.sizeBytes;
    const start = Math.max(0, size - tailBytes);
    const length = readSync(this.#fd, buffer, 0, size - start, start);
    const last = length === 0 ? -1 : buffer.lastIndexOf(lf, length - 1);
    this.#know(headOf(this.#readHead(headBytesMax)));
    this.#begin = last >= 0 ? start + last + 1 : start === 0 ? 0 : size;
    this.#goTo(this.#begin);
    if (last < 0 && start > 0) this.#skipping = true;
  }

  /** Begins again at the first byte. After a hole of NUL bytes (a writer that kept its own offset) there is nothing to read again. */
  startOver(): void {
    const head = this.#readHead(headBytesMax);
    this.#know(headOf(head));
    this.#isInHole = this.#isHole;
    this.#begin = 0;
    this.#goTo(this.#isHole && this.sizeBytes >= this.#offset ? this.#offset : 0);
  }

  /** Whole lines from the place on, read into `buffer`. */
  read(buffer: Buffer): ReadOutcome {
    const length = readSync(this.#fd, buffer, 0, buffer.length, this.#scan);
    if (length === 0 && this.sizeBytes < this.#scan) return "replaced";
    // Looked at after the read: then the bytes are of the file that this beginning belongs to.
    if (this.#head !== undefined && !this.#readHead(this.#head.length).equals(this.#head)) return "replaced";
    if (length === 0) return "end";
    const bytes = buffer.subarray(0, length);
    // A second hole begins like the first: it is known by reaching behind what was there.
    if (this.#isHole && bytes[0] === 0 && !this.#isInHole && this.#scan === this.#offset) return "replaced";
    this.#noteHead(bytes);
    const start = this.#skipping ? bytes.indexOf(lf) + 1 : 0;
    if (this.#skipping && start === 0) {
      this.#scan += length;
      return "more";
    }
    const end = bytes.lastIndexOf(lf) + 1;
    if (end === 0) return this.#endless(bytes, buffer.length);
    if (this.#skipping) this.#skipped++;
    this.#isInHole = false;
    this.#goTo(this.#scan + end);
    return bytes.subarray(start, end);
  }

  /** The last line of a file that nobody writes to any more, when it has no LF. */
  readUnended(buffer: Buffer): Buffer | undefined {
    const length = this.#skipping ? 0 : readSync(this.#fd, buffer, 0, buffer.length - 1, this.#scan);
    if (length === 0) return undefined;
    buffer[length] = lf;
    this.#goTo(this.#scan + length);
    return buffer.subarray(0, length + 1);
  }

  place(at: number): FilePlace {
    const { path, device, inode } = this;
    const head = this.#head;
    const known = head === undefined ? { head: "", headLength: 0 } : { head: hashHead(head), headLength: head.length };
    return { path, device, inode, begin: this.#begin, offset: head === undefined ? 0 : this.#offset, ...known, at };
  }

  close(): void {
    closeSync(this.#fd);
  }

  #goTo(offset: number): void {
    this.#offset = offset;
    this.#scan = offset;
    this.#skipping = false;
  }

  #noteHead(bytes: Buffer): void {
    if (this.#head !== undefined || this.#scan !== 0) return;
    this.#know(headOf(bytes));
    this.#isInHole = this.#isHole;
  }

  #know(head: Buffer | undefined): void {
    this.#head = head === undefined ? undefined : Buffer.from(head);
    this.#isHole = head?.every((byte) => byte === 0) === true;
  }

  /** A buffer without LF is a line that nobody can want: only its end is waited for. The place stays at its beginning. */
  #endless(bytes: Buffer, bufferLength: number): "more" | "end" {
    if (bytes.length < bufferLength) return "end";
    const text = bytes.findIndex((byte) => byte !== 0);
    // NUL bytes are no line: what follows them begins one.
    if (text !== 0) this.#goTo(this.#scan + (text < 0 ? bytes.length : text));
    else {
      this.#skipping = true;
      this.#scan += bytes.length;
    }
    return "more";
  }

  #readHead(length: number): Buffer {
    return headBuffer.subarray(0, readSync(this.#fd, headBuffer, 0, length, 0));
  }
}
