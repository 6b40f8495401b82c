// Which autonomous system announces an address: sorted ranges in flat arrays, found by halving. IPv6 is known by its upper
// 64 bits, because hardly any range is finer. About 10 MB for the whole Internet, and made of one piece of bytes, so that it is
// read from a file at once.

import { crc32 } from "node:zlib";
import type { Ip } from "../core/ip.ts";

/** Ranges in order of their starts; both ends belong to a range. IPv6 words are the upper two of an address. */
export interface AsnRanges {
  readonly v4: ReadonlyArray<readonly [start: number, end: number, asn: number]>;
  readonly v6: ReadonlyArray<
    readonly [startHigh: number, startLow: number, endHigh: number, endLow: number, asn: number]
  >;
  readonly names: ReadonlyMap<number, string>;
}

/** "PVA" and the number of this form. */
const magic = 0x50564101;
const headerWords = 6;

/** Answers for one address. */
export class AsnTable {
  readonly #v4Starts: Uint32Array;
  readonly #v4Ends: Uint32Array;
  readonly #v4Asns: Uint32Array;
  /** Five words a range. */
  readonly #v6: Uint32Array;
  readonly #nameAsns: Uint32Array;
  readonly #nameEnds: Uint32Array;
  readonly #names: Uint8Array;

  private constructor(parts: TableParts) {
    this.#v4Starts = parts.v4Starts;
    this.#v4Ends = parts.v4Ends;
    this.#v4Asns = parts.v4Asns;
    this.#v6 = parts.v6;
    this.#nameAsns = parts.nameAsns;
    this.#nameEnds = parts.nameEnds;
    this.#names = parts.names;
  }

  /** The table in these bytes (`packAsnTable`); undefined when they are damaged or of another form. */
  static parse(bytes: Uint8Array): AsnTable | undefined {
    if (bytes.length < headerWords * 4) return undefined;
    const whole = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
    const [form, checksum, v4 = 0, v6 = 0, names = 0, nameBytes = 0] = new Uint32Array(
      whole.buffer,
      whole.byteOffset,
      headerWords,
    );
    const length = (headerWords + 3 * v4 + 5 * v6 + 2 * names) * 4 + nameBytes;
    if (form !== magic || length !== whole.length || crc32(whole.subarray(8)) !== checksum) return undefined;
    let at = whole.byteOffset + headerWords * 4;
    const take = (words: number) => {
      const part = new Uint32Array(whole.buffer, at, words);
      at += words * 4;
      return part;
    };
    return new AsnTable({
      v4Starts: take(v4),
      v4Ends: take(v4),
      v4Asns: take(v4),
      v6: take(v6 * 5),
      nameAsns: take(names),
      nameEnds: take(names),
      names: new Uint8Array(whole.buffer, at, nameBytes),
    });
  }

  /** Ranges of both families. */
  get size(): number {
    return this.#v4Starts.length + this.#v6.length / 5;
  }

  /** The number of the system that announces `ip`; undefined where no range holds it. */
  find(ip: Ip): number | undefined {
    return ip.family === 4 ? this.#findV4(ip.words[0]) : this.#findV6(ip.words[0], ip.words[1]);
  }

  /** The name of a system; undefined when none is known. */
  nameOf(asn: number): string | undefined {
    const index = lastNotAbove(this.#nameAsns.length, (i) => (this.#nameAsns[i] ?? 0) - asn);
    if (index < 0 || this.#nameAsns[index] !== asn) return undefined;
    const from = index === 0 ? 0 : (this.#nameEnds[index - 1] ?? 0);
    return new TextDecoder().decode(this.#names.subarray(from, this.#nameEnds[index]));
  }

  #findV4(word: number): number | undefined {
    const index = lastNotAbove(this.#v4Starts.length, (i) => (this.#v4Starts[i] ?? 0) - word);
    return index >= 0 && (this.#v4Ends[index] ?? 0) >= word ? this.#v4Asns[index] : undefined;
  }

  #findV6(high: number, low: number): number | undefined {
    const words = this.#v6;
    const index = lastNotAbove(words.length / 5, (i) => {
      const byHigh = (words[i * 5] ?? 0) - high;
      return byHigh === 0 ? (words[i * 5 + 1] ?? 0) - low : byHigh;
    });
    if (index < 0) return undefined;
    const endHigh = words[index * 5 + 2] ?? 0;
    const within = endHigh > high || (endHigh === high && (words[index * 5 + 3] ?? 0) >= low);
    return within ? words[index * 5 + 4] : undefined;
  }
}

interface TableParts {
  readonly v4Starts: Uint32Array;
  readonly v4Ends: Uint32Array;
  readonly v4Asns: Uint32Array;
  readonly v6: Uint32Array;
  readonly nameAsns: Uint32Array;
  readonly nameEnds: Uint32Array;
  readonly names: Uint8Array;
}

/** The last of `count` sorted entries that is not above what `compare` looks for; -1 when all are. */
function lastNotAbove(count: number, compare: (index: number) => number): number {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (compare(middle) <= 0) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}

/** The bytes that `AsnTable.parse` reads: header, IPv4 starts, ends, numbers, IPv6 ranges, names. In this machine's byte order. */
export function packAsnTable(ranges: AsnRanges): Uint8Array {
  const v4 = [...ranges.v4].sort((a, b) => a[0] - b[0]);
  const v6 = [...ranges.v6].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const names = [...ranges.names].sort((a, b) => a[0] - b[0]);
  const encoder = new TextEncoder();
  const texts = names.map(([, name]) => encoder.encode(name));
  const nameBytes = texts.reduce((sum, text) => sum + text.length, 0);
  const words = headerWords + 3 * v4.length + 5 * v6.length + 2 * names.length;
  const bytes = new Uint8Array(words * 4 + nameBytes);
  const table = new Uint32Array(bytes.buffer, 0, words);
  table.set([magic, 0, v4.length, v6.length, names.length, nameBytes]);
  let at = headerWords;
  for (const part of [0, 1, 2] as const) for (const range of v4) table[at++] = range[part];
  for (const range of v6) {
    table.set(range, at);
    at += 5;
  }
  for (const [asn] of names) table[at++] = asn;
  let end = 0;
  for (const text of texts) {
    bytes.set(text, words * 4 + end);
    end += text.length;
    table[at++] = end;
  }
  table[1] = crc32(bytes.subarray(8));
  return bytes;
}
