// One connection's bytes → requests, whatever way TCP cut or joined them. Each byte is looked at once.

import { isAscii } from "node:buffer";
import type { Ip } from "../core/ip.ts";
import { parseRequest, type RequestFault, requestAttributesMax, requestBytesMax } from "./protocol.ts";
import type { Request } from "./request.ts";

const nothing = Buffer.alloc(0);
/** First size of the buffer of a request that came in pieces; doubles up to requestBytesMax. */
const heldBytesMin = 1_024;
const emptyLine = Buffer.from("\n\n");
/** A line is two bytes or more, so a request of this size cannot have too many lines. */
const smallBytesMax = 2 * requestAttributesMax;

/**
 * `push` bytes, then `next` until it gives undefined (more bytes are needed) or a fault (the connection is to be closed;
 * every later `next` gives the same fault). Keeps at most one unfinished request and the bytes pushed behind it.
 */
export class RequestStream {
  readonly #peer: Ip | undefined;
  /** Pushed bytes; those before #at are done with. */
  #chunk: Buffer = nothing;
  #at = 0;
  /** The beginning of an unfinished request, from earlier chunks. */
  #held: Buffer = nothing;
  #heldBytes = 0;
  /** Of the unfinished request: whole lines, where its last line starts, all its bytes or-ed. */
  #lines = 0;
  #lineStart = 0;
  #bits = 0;
  #fault: RequestFault | undefined;

  constructor(peer: Ip | undefined) {
    this.#peer = peer;
  }

  /** Bytes of memory that wait here. */
  get sizeBytes(): number {
    return this.#held.length + this.#chunk.length - this.#at;
  }

  /** True when a request has begun and its end has not come. */
  get unfinished(): boolean {
    return this.#heldBytes > 0 || this.#at < this.#chunk.length;
  }

  /** Takes over `chunk`; the caller must not write to it any more. */
  push(chunk: Buffer): void {
    if (this.#fault !== undefined) return;
    this.#chunk = this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  next(): Request | RequestFault | undefined {
    if (this.#fault !== undefined) return this.#fault;
    const end = this.#isWhole() ? this.#chunk.length : this.#findEnd();
    if (typeof end === "string") return this.#fail(end);
    if (end < 0) {
      this.#hold(this.#chunk.length);
      this.#drop(this.#chunk.length);
      return undefined;
    }
    const ascii = this.#bits < 128;
    const text = this.#takeText(end);
    const request = parseRequest(text, ascii, this.#peer);
    return typeof request === "string" ? this.#fail(request) : request;
  }

  /**
   * True when the chunk is one request without CR, NUL and 8-bit bytes, as Postfix sends it nearly always. Four searches in
   * native code take a third of the time of #findEnd.
   */
  #isWhole(): boolean {
    const chunk = this.#chunk;
    const lineEnd = chunk.length - 1;
    if (this.#heldBytes > 0 || this.#at > 0 || chunk.length > smallBytesMax || chunk[0] === 10) return false;
    if (chunk.indexOf(emptyLine) !== lineEnd - 1 || lineEnd < 1) return false;
    if (!isAscii(chunk) || chunk.includes(13) || chunk.includes(0)) return false;
    this.#lineStart = lineEnd;
    return true;
  }

  /** Offset in the chunk behind the empty line that ends the request; -1 when it is not there. */
  #findEnd(): number | RequestFault {
    const chunk = this.#chunk;
    const base = this.#at - this.#heldBytes;
    const stop = Math.min(chunk.length, base + requestBytesMax);
    let { bits, lines, lineStart } = { bits: this.#bits, lines: this.#lines, lineStart: this.#lineStart };
    for (let i = this.#at; i < stop; i++) {
      const byte = chunk[i] ?? 0;
      bits |= byte;
      if (byte > 10) continue;
      if (byte === 0) return "nul";
      if (byte !== 10) continue;
      const length = i - base - lineStart;
      if (length === 0 || (length === 1 && this.#before(i) === 13)) {
        this.#bits = bits;
        this.#lineStart = lineStart;
        return i + 1;
      }
      lineStart = i - base + 1;
      if (++lines > requestAttributesMax) return "too-many-attributes";
    }
    if (stop - base >= requestBytesMax) return "too-long";
    this.#bits = bits;
    this.#lines = lines;
    this.#lineStart = lineStart;
    return -1;
  }

  /** The byte before chunk[i], which may lie in the held part. */
  #before(i: number): number | undefined {
    return i > this.#at ? this.#chunk[i - 1] : this.#held[this.#heldBytes - 1];
  }

  /** The request's lines without the empty one; the stream goes on behind it. */
  #takeText(end: number): string {
    let text: string;
    if (this.#heldBytes === 0) text = this.#chunk.toString("latin1", this.#at, this.#at + this.#lineStart);
    else {
      this.#hold(end);
      text = this.#held.toString("latin1", 0, this.#lineStart);
    }
    this.#drop(end);
    this.#held = nothing;
    this.#heldBytes = this.#lines = this.#lineStart = this.#bits = 0;
    return text;
  }

  /** Copies the chunk's bytes before `end` behind the held ones. */
  #hold(end: number): void {
    const needed = this.#heldBytes + end - this.#at;
    if (needed > this.#held.length) {
      const size = Math.max(needed, heldBytesMin, Math.min(this.#held.length * 2, requestBytesMax));
      const larger = Buffer.allocUnsafeSlow(size);
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    this.#chunk.copy(this.#held, this.#heldBytes, this.#at, end);
    this.#heldBytes = needed;
  }

  /** A chunk that is used up is let go at once: an idle connection keeps no bytes. */
  #drop(end: number): void {
    this.#at = end < this.#chunk.length ? end : 0;
    if (this.#at === 0) this.#chunk = nothing;
  }

  #fail(fault: RequestFault): RequestFault {
    this.#fault = fault;
    this.#chunk = nothing;
    this.#held = nothing;
    this.#at = this.#heldBytes = 0;
    return fault;
  }
}
