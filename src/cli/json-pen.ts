// A pen for JSON: values become bytes in one buffer, without a string in between, and go to a stream at the pace of its reader.

import type { Writable } from "node:stream";
import { drained } from "./drained.ts";

/** Bytes gathered before they are written: fewer, larger writes. */
const penBytes = 128 * 1024;
const freeMax = 16;

const quotation = 34;
const backslash = 92;
const nought = 48;

/** Text that is written as it stands. */
export function jsonBytes(text: string): Buffer {
  return Buffer.from(text);
}

const nullBytes = jsonBytes("null");

export class JsonPen {
  readonly #output: Writable;
  #bytes: Buffer = Buffer.allocUnsafeSlow(penBytes);
  #length = 0;
  /** Buffers that were written out; new ones would keep the garbage collector busy. */
  readonly #free: Buffer[] = [];
  #closed = false;
  #second = Number.NaN;
  #secondBytes = nullBytes;

  constructor(output: Writable) {
    this.#output = output;
    // A reader that went away (`| head`) is no mistake.
    const close = () => {
      this.#closed = true;
    };
    output.on("error", close);
    output.on("close", close);
  }

  /** Bytes as they are. */
  raw(bytes: Buffer): void {
    const { length } = bytes;
    this.#makeRoom(length);
    const at = this.#length;
    const own = this.#bytes;
    for (let i = 0; i < length; i++) own[at + i] = bytes[i] ?? 0;
    this.#length = at + length;
  }

  /** A string in quotation marks, or null. Everything that could act on a terminal is escaped. */
  text(text: string | null): void {
    if (text === null) return this.raw(nullBytes);
    const { length } = text;
    this.#makeRoom(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = quotation;
    for (let i = 0; i < length; i++) {
      const c = text.charCodeAt(i);
      if (c < 32 || c > 126 || c === quotation || c === backslash) return this.#escaped(text);
      bytes[at++] = c;
    }
    bytes[at++] = quotation;
    this.#length = at;
  }

  /** A whole number from nought on. */
  number(value: number): void {
    if (value > Number.MAX_SAFE_INTEGER) return this.raw(jsonBytes(String(value)));
    let count = 1;
    for (let power = 10; power <= value; power *= 10) count++;
    this.#digits(value, count);
  }

  /** RFC 3339 in UTC, in quotation marks, without a fraction where there is none. Many lines of a log share a second. */
  time(at: number): void {
    const second = Math.floor(at / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondBytes = Buffer.from(`"${new Date(second * 1000).toISOString().slice(0, -5)}`);
    }
    this.raw(this.#secondBytes);
    const ms = at - second * 1000;
    if (ms > 0) {
      this.raw(point);
      this.#digits(ms, 3);
    }
    this.raw(endOfTime);
  }

  /** Waits until the reader wants more; false when nobody reads any more. */
  async flush(): Promise<boolean> {
    if (this.#length > 0) this.#write(0);
    if (this.#output.writableNeedDrain && !this.#closed) await drained(this.#output);
    return !this.#closed;
  }

  #digits(value: number, count: number): void {
    this.#makeRoom(count);
    const bytes = this.#bytes;
    let rest = value;
    for (let i = this.#length + count - 1; i >= this.#length; i--) {
      const tenth = Math.floor(rest / 10);
      bytes[i] = nought + rest - tenth * 10;
      rest = tenth;
    }
    this.#length += count;
  }

  #escaped(text: string): void {
    const json = JSON.stringify(text).replace(
      /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
      (ch) => `\\u${ch.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    // A character of UTF-16 takes three bytes of UTF-8 at most.
    this.#makeRoom(json.length * 3);
    this.#length += this.#bytes.write(json, this.#length);
  }

  #makeRoom(size: number): void {
    if (this.#length + size > this.#bytes.length) this.#write(size);
  }

  #write(sizeMin: number): void {
    const bytes = this.#bytes;
    if (!this.#closed && this.#length > 0) {
      this.#output.write(bytes.subarray(0, this.#length), () => {
        if (bytes.length === penBytes && this.#free.length < freeMax) this.#free.push(bytes);
      });
    }
    const free = sizeMin <= penBytes ? this.#free.pop() : undefined;
    this.#bytes = free ?? Buffer.allocUnsafeSlow(Math.max(penBytes, sizeMin));
    this.#length = 0;
  }
}

const point = jsonBytes(".");
const endOfTime = jsonBytes('Z"');
