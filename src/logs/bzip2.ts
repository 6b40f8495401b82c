// bzip2: the runtime has no decoder for it, and logrotate still writes it. Streams of blocks of at most 900 kB; each block
// is decoded whole, so what comes out before damage is whole and checked.

/** More than any block needs in compressed form, so that a block is never asked for more bytes than are there. */
const blockBytesMax = 2 * 1024 * 1024;

const blockMagicHigh = 0x314159;
const blockMagicLow = 0x265359;
const endMagicHigh = 0x177245;
const endMagicLow = 0x385090;

/** The text of one or more bzip2 streams. Throws where the data is damaged or ends early, after all blocks before it. */
export async function* decompressBzip2(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const bits = new BitReader(input);
  const block = new BlockDecoder(bits);
  for (let stream = 0; ; stream++) {
    await bits.fill(blockBytesMax);
    if (bits.isEmpty || (stream > 0 && !bits.startsWith("BZh"))) return;
    bits.take(24);
    const level = bits.take(8) - 48;
    if (level < 1 || level > 9) throw new Error("no bzip2 stream");
    while (await isBlockNext(bits)) yield block.decode(level * 100_000);
    bits.take(16);
    bits.take(16);
    bits.align();
  }
}

async function isBlockNext(bits: BitReader): Promise<boolean> {
  await bits.fill(blockBytesMax);
  const high = bits.take(24);
  const low = bits.take(24);
  if (high === blockMagicHigh && low === blockMagicLow) return true;
  if (high === endMagicHigh && low === endMagicLow) return false;
  throw new Error("no bzip2 block where one should begin");
}

/** Bits, most significant first, of bytes that are gathered before they are needed. */
class BitReader {
  readonly #input: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #bit = 0;
  #bitCount = 0;

  constructor(input: AsyncIterable<Buffer>) {
    this.#input = input[Symbol.asyncIterator]();
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  startsWith(text: string): boolean {
    return this.#bytes.toString("latin1", this.#at, this.#at + text.length) === text;
  }

  /** Gathers bytes until `count` are there or the input ends. */
  async fill(count: number): Promise<void> {
    if (this.#bytes.length - this.#at >= count) return;
    const parts = [this.#bytes.subarray(this.#at)];
    let length = parts[0]?.length ?? 0;
    while (length < count) {
      const next = await this.#input.next();
      if (next.done === true) break;
      parts.push(next.value);
      length += next.value.length;
    }
    this.#bytes = Buffer.concat(parts);
    this.#at = 0;
  }

  /** The next `count` bits, 1 to 24, as a number. */
  take(count: number): number {
    while (this.#bitCount < count) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new Error("the data ends early");
      this.#at++;
      this.#bit = (this.#bit << 8) | byte;
      this.#bitCount += 8;
    }
    this.#bitCount -= count;
    const value = (this.#bit >>> this.#bitCount) & ((1 << count) - 1);
    this.#bit &= (1 << this.#bitCount) - 1;
    return value;
  }

  /** Drops the bits up to the next whole byte. */
  align(): void {
    this.#bitCount = 0;
    this.#bit = 0;
  }
}

/** A Huffman code by length: the largest code of each length, and where its symbols begin. */
interface HuffmanTable {
  readonly minLength: number;
  readonly limit: Int32Array;
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

const codeLengthMax = 20;
const groupSize = 50;

class BlockDecoder {
  readonly #bits: BitReader;
  readonly #last = new Uint32Array(900_000);

  constructor(bits: BitReader) {
    this.#bits = bits;
  }

  /** The text of the block that begins behind its magic number. */
  decode(sizeMax: number): Buffer {
    const bits = this.#bits;
    const crc = ((bits.take(16) << 16) | bits.take(16)) >>> 0;
    if (bits.take(1) === 1) throw new Error("a randomised block, which no bzip2 since 0.9.5 writes");
    const origin = bits.take(24);
    const used = this.#readUsed();
    const { tables, selectors } = this.#readCodes(used.length + 2);
    const counts = new Int32Array(256);
    const length = this.#readSymbols(used, tables, selectors, counts, sizeMax);
    if (origin >= length) throw new Error("a block whose origin is outside of it");
    const text = expandRuns(this.#invert(length, origin, counts));
    if (crc32(text) !== crc) throw new Error("a block whose checksum is wrong");
    return text;
  }

  #readUsed(): Uint8Array {
    const used: number[] = [];
    const groups = this.#bits.take(16);
    for (let group = 0; group < 16; group++) {
      if ((groups & (0x8000 >> group)) === 0) continue;
      const members = this.#bits.take(16);
      for (let member = 0; member < 16; member++)
        if ((members & (0x8000 >> member)) !== 0) used.push(group * 16 + member);
    }
    if (used.length === 0) throw new Error("a block without symbols");
    return Uint8Array.from(used);
  }

  #readCodes(alphabet: number): { tables: HuffmanTable[]; selectors: Uint8Array } {
    const bits = this.#bits;
    const groups = bits.take(3);
    const count = bits.take(15);
    if (groups < 2 || groups > 6 || count < 1) throw new Error("a block with bad tables");
    const order = [0, 1, 2, 3, 4, 5];
    const selectors = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      let position = 0;
      while (bits.take(1) === 1) if (++position >= groups) throw new Error("a block with a bad selector");
      const [group = 0] = order.splice(position, 1);
      order.unshift(group);
      selectors[i] = group;
    }
    const tables: HuffmanTable[] = [];
    for (let group = 0; group < groups; group++) tables.push(makeTable(this.#readLengths(alphabet)));
    return { tables, selectors };
  }

  #readLengths(alphabet: number): Uint8Array {
    const bits = this.#bits;
    const lengths = new Uint8Array(alphabet);
    let length = bits.take(5);
    for (let symbol = 0; symbol < alphabet; symbol++) {
      while (bits.take(1) === 1) length += bits.take(1) === 0 ? 1 : -1;
      if (length < 1 || length > codeLengthMax) throw new Error("a block with a bad code length");
      lengths[symbol] = length;
    }
    return lengths;
  }

  /** Huffman codes, runs of the first symbol and move-to-front, into `#last`; how many bytes there are. */
  #readSymbols(
    used: Uint8Array,
    tables: HuffmanTable[],
    selectors: Uint8Array,
    counts: Int32Array,
    sizeMax: number,
  ): number {
    const last = this.#last;
    const front = Uint8Array.from(used);
    const end = used.length + 1;
    let length = 0;
    let run = 0;
    let runBit = 1;
    for (let read = 0; ; read++) {
      const table = tables[selectors[Math.floor(read / groupSize)] ?? 7];
      if (table === undefined) throw new Error("a block longer than its selectors");
      const symbol = this.#readSymbol(table);
      if (symbol <= 1) {
        run += runBit << symbol;
        runBit <<= 1;
        if (run > sizeMax) throw new Error("a block longer than its level allows");
        continue;
      }
      if (run > 0) {
        if (length + run > sizeMax) throw new Error("a block longer than its level allows");
        last.fill(front[0] ?? 0, length, length + run);
        counts[front[0] ?? 0] = (counts[front[0] ?? 0] ?? 0) + run;
        length += run;
        run = 0;
        runBit = 1;
      }
      if (symbol === end) return length;
      const byte = front[symbol - 1] ?? 0;
      front.copyWithin(1, 0, symbol - 1);
      front[0] = byte;
      if (length >= sizeMax) throw new Error("a block longer than its level allows");
      last[length++] = byte;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
  }

  #readSymbol(table: HuffmanTable): number {
    let length = table.minLength;
    let code = this.#bits.take(length);
    while (code > (table.limit[length] ?? -1)) {
      if (++length > codeLengthMax) throw new Error("a block with a bad code");
      code = (code << 1) | this.#bits.take(1);
    }
    return table.symbols[code - (table.base[length] ?? 0)] ?? 0;
  }

  /** The inverse of the Burrows-Wheeler transform. The upper 24 bits of `#last` become the links. */
  #invert(length: number, origin: number, counts: Int32Array): Buffer {
    const last = this.#last;
    const starts = new Int32Array(256);
    for (let byte = 0, sum = 0; byte < 256; byte++) {
      starts[byte] = sum;
      sum += counts[byte] ?? 0;
    }
    for (let i = 0; i < length; i++) {
      const byte = (last[i] ?? 0) & 255;
      const place = starts[byte] ?? 0;
      starts[byte] = place + 1;
      last[place] = ((last[place] ?? 0) & 255) | (i << 8);
    }
    const out = Buffer.allocUnsafe(length);
    let at = (last[origin] ?? 0) >>> 8;
    for (let i = 0; i < length; i++) {
      const entry = last[at] ?? 0;
      out[i] = entry & 255;
      at = entry >>> 8;
    }
    return out;
  }
}

function makeTable(lengths: Uint8Array): HuffmanTable {
  const limit = new Int32Array(codeLengthMax + 1).fill(-1);
  const base = new Int32Array(codeLengthMax + 1);
  const symbols = new Uint16Array(lengths.length);
  let minLength = codeLengthMax;
  let code = 0;
  let index = 0;
  for (let length = 1; length <= codeLengthMax; length++) {
    base[length] = code - index;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      symbols[index++] = symbol;
      code++;
      limit[length] = code - 1;
      minLength = Math.min(minLength, length);
    }
    code <<= 1;
  }
  return { minLength, limit, base, symbols };
}

/** Four equal bytes are followed by the number of further ones. */
function expandRuns(packed: Buffer): Buffer {
  let size = 0;
  let same = 0;
  for (let i = 0; i < packed.length; i++) {
    if (same === 4) {
      size += packed[i] ?? 0;
      same = 0;
      continue;
    }
    size++;
    same = same > 0 && packed[i] === packed[i - 1] ? same + 1 : 1;
  }
  const out = Buffer.allocUnsafe(size);
  let length = 0;
  same = 0;
  for (let i = 0; i < packed.length; i++) {
    const byte = packed[i] ?? 0;
    if (same === 4) {
      out.fill(packed[i - 1] ?? 0, length, length + byte);
      length += byte;
      same = 0;
      continue;
    }
    out[length++] = byte;
    same = same > 0 && byte === packed[i - 1] ? same + 1 : 1;
  }
  return out;
}

/** bzip2's checksum: CRC-32 with the most significant bit first (polynomial 0x04c11db7). */
const crcTable = new Int32Array(256).map((_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

function crc32(bytes: Buffer): number {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = (crc << 8) ^ (crcTable[((crc >>> 24) ^ (bytes[i] ?? 0)) & 255] ?? 0);
  return ~crc >>> 0;
}
