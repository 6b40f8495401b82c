// Where zstd frames end. The runtime's decoder stops behind the first frame, and a log that was compressed in pieces has
// many (RFC 8878, 3.1): so the frames are told apart by their headers, and each gets a decoder of its own.

const magic = 0xfd2fb528;
/** Frames that hold something else begin with one of sixteen numbers and say how long they are. */
const skippableMagic = 0x184d2a50;

type Part = "frame" | "block" | "checksum" | "skipped";

/** Follows the bytes of a file and says where its frames end. Throws where no frame begins. */
export class ZstdFrames {
  #part: Part = "frame";
  #head: number[] = [];
  /** Bytes of the part that are passed over. */
  #left = 0;
  #isLastBlock = false;
  #hasChecksum = false;

  /** True where a file may end. */
  get isBetweenFrames(): boolean {
    return this.#part === "frame" && this.#head.length === 0;
  }

  /** How many bytes of `chunk`, from `start` on, belong to the current frame, and whether it ends there. */
  follow(chunk: Buffer, start: number): { readonly end: number; readonly isEnd: boolean } {
    let at = start;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, chunk.length - at);
        at += passed;
        this.#left -= passed;
        if (this.#left === 0 && this.#endPart()) return { end: at, isEnd: true };
        continue;
      }
      this.#head.push(chunk[at++] ?? 0);
      if (this.#readHead() && this.#left === 0 && this.#endPart()) return { end: at, isEnd: true };
    }
    return { end: at, isEnd: false };
  }

  /** True when the head of the part is complete. */
  #readHead(): boolean {
    if (this.#part === "block") return this.#readBlockHead();
    if (this.#head.length < 5) return false;
    const number = this.#number(0, 4);
    if ((number & 0xfffffff0) >>> 0 === skippableMagic) return this.#readSkippableHead();
    if (number !== magic) throw new Error("no zstd frame where one should begin");
    const descriptor = this.#head[4] ?? 0;
    const isSingle = (descriptor & 0x20) !== 0;
    const size = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    if (this.#head.length < 5 + (isSingle ? 0 : 1) + dictionary + size) return false;
    this.#hasChecksum = (descriptor & 4) !== 0;
    this.#isLastBlock = false;
    this.#start("block", 0);
    return false;
  }

  #readSkippableHead(): boolean {
    if (this.#head.length < 8) return false;
    this.#start("skipped", this.#number(4, 4));
    return true;
  }

  #readBlockHead(): boolean {
    if (this.#head.length < 3) return false;
    const head = this.#number(0, 3);
    this.#isLastBlock = (head & 1) === 1;
    // A block of one byte repeated holds that byte only.
    this.#start("block", ((head >> 1) & 3) === 1 ? 1 : head >> 3);
    return true;
  }

  /** Goes on to the part behind the one that is complete; true when that was the frame's last. */
  #endPart(): boolean {
    if (this.#part === "block" && !this.#isLastBlock) this.#start("block", 0);
    else if (this.#part === "block" && this.#hasChecksum) this.#start("checksum", 4);
    else {
      this.#start("frame", 0);
      return true;
    }
    return false;
  }

  #start(part: Part, left: number): void {
    this.#part = part;
    this.#left = left;
    this.#head = [];
  }

  #number(from: number, count: number): number {
    let value = 0;
    for (let i = from + count - 1; i >= from; i--) value = value * 256 + (this.#head[i] ?? 0);
    return value;
  }
}
