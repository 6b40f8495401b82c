// Syslog messages in a stream: counted (RFC 6587, 3.4.1; RFC 5425) or ended by LF (3.4.2), told apart message by message.
// A message becomes one line whatever bytes are in it: a line end inside one would let its writer make up another line.

import { lineBytesMax } from "../../core/line.ts";

/** `MSG-LEN SP` with a length of at most six digits; nobody may send a message of a megabyte. */
const countDigitsMax = 6;

const lf = 10;
const space = 32;

export class SyslogFrames {
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of a counted message that is too long, still to come; Infinity: up to the next LF. */
  #toSkip = 0;
  #skipped = 0;

  /** Messages that were too long. */
  get skipped(): number {
    return this.#skipped;
  }

  /** True inside a message. */
  get isInside(): boolean {
    return this.#rest.length > 0 || this.#toSkip > 0;
  }

  /** The messages that end in `chunk`, each as a line; undefined when this is no syslog: the connection is to be closed. */
  push(chunk: Buffer): readonly Buffer[] | undefined {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    const lines: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      const next = this.#skip(bytes, at) ?? this.#next(bytes, at, lines);
      if (next === "wrong") return undefined;
      if (next === "rest") {
        this.#rest = Buffer.from(bytes.subarray(at));
        break;
      }
      at = next;
    }
    return lines;
  }

  /** The last message of a connection that ended without LF. */
  end(): readonly Buffer[] {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 || isDigit(rest[0]) ? [] : [syslogLine(rest)];
  }

  #skip(bytes: Buffer, at: number): number | undefined {
    if (this.#toSkip === 0) return undefined;
    if (this.#toSkip === Number.POSITIVE_INFINITY) {
      const end = bytes.indexOf(lf, at);
      if (end < 0) return bytes.length;
      this.#toSkip = 0;
      return end + 1;
    }
    const length = Math.min(this.#toSkip, bytes.length - at);
    this.#toSkip -= length;
    return at + length;
  }

  /** Where the next message begins, behind the one at `at`. */
  #next(bytes: Buffer, at: number, lines: Buffer[]): number | "rest" | "wrong" {
    // Between messages some senders leave a line end.
    if (bytes[at] === lf || bytes[at] === 13 || bytes[at] === 0) return at + 1;
    return isDigit(bytes[at]) ? this.#counted(bytes, at, lines) : this.#ended(bytes, at, lines);
  }

  #counted(bytes: Buffer, at: number, lines: Buffer[]): number | "rest" | "wrong" {
    let i = at;
    while (i < bytes.length && i - at < countDigitsMax && isDigit(bytes[i])) i++;
    if (i === bytes.length) return "rest";
    const length = Number(bytes.toString("latin1", at, i));
    if (bytes[i] !== space || length === 0) return "wrong";
    if (length > lineBytesMax) {
      this.#skipped++;
      this.#toSkip = length;
      return i + 1;
    }
    if (bytes.length < i + 1 + length) return "rest";
    lines.push(syslogLine(bytes.subarray(i + 1, i + 1 + length)));
    return i + 1 + length;
  }

  #ended(bytes: Buffer, at: number, lines: Buffer[]): number | "rest" {
    const end = bytes.indexOf(lf, at);
    if ((end < 0 ? bytes.length : end) - at > lineBytesMax) {
      this.#skipped++;
      if (end >= 0) return end + 1;
      this.#toSkip = Number.POSITIVE_INFINITY;
      return bytes.length;
    }
    if (end < 0) return "rest";
    lines.push(syslogLine(bytes.subarray(at, end)));
    return end + 1;
  }
}

/** One message as one line: line ends and NUL bytes inside become blanks, and a priority stands before it in any case. */
export function syslogLine(message: Buffer): Buffer {
  let length = message.length;
  while (length > 0 && isLineEnd(message[length - 1])) length--;
  // RFC 3164, 4.3.3: what has no priority is of user.notice. It also keeps the text from being taken for another form of log.
  const head = message[0] === 60 ? "" : "<13>";
  const line = Buffer.alloc(head.length + length + 1);
  line.write(head, "latin1");
  message.copy(line, head.length, 0, length);
  for (let i = head.length; i < line.length; i++) if (isLineEnd(line[i])) line[i] = space;
  line[line.length - 1] = lf;
  return line;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === lf || byte === 13 || byte === 0;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}
