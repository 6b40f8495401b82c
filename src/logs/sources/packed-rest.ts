// The rest of a log that was packed while we were away: unpacked in the background, a few chunks ahead, from its place on.

import { readLogBytes } from "../archive.ts";
import { type FilePlace, hashHead, headBytesMax, headOf } from "../place.ts";
import { pieceBytesMax } from "../source.ts";
import { WholeLines } from "../whole-lines.ts";
import type { Rotated } from "./file-rotated.ts";

/** Pieces that wait to be taken; an archive gives 64 KiB or 1 MiB at a time. */
const waitingMax = 4;

export interface RestPiece {
  readonly bytes: Buffer;
  /** Bytes of text up to the end of the piece. */
  readonly offset: number;
}

/** The bytes by which the text in a packed file is known; undefined when it cannot be unpacked. At least `lengthMin` bytes where it has them. */
export async function headOfPacked(path: string, lengthMin = headBytesMax): Promise<Buffer | undefined> {
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of readLogBytes(path, () => {})) {
      head = Buffer.concat([head, chunk.subarray(0, headBytesMax)]);
      if (head.length >= lengthMin) break;
    }
  } catch {
    return undefined;
  }
  return head;
}

/** True when the text in a packed file begins as the file of this place did. */
export async function isPackedCopy(path: string, place: FilePlace): Promise<boolean> {
  if (place.headLength === 0) return false;
  const head = await headOfPacked(path, place.headLength);
  return head !== undefined && isHeadOf(place, head);
}

/** True when a text that begins with `head` begins as the file of this place did. */
export function isHeadOf({ head: known, headLength }: FilePlace, head: Buffer): boolean {
  return headLength > 0 && head.length >= headLength && hashHead(head.subarray(0, headLength)) === known;
}

/** The place before the first byte of a packed file of this path, whose text begins with `bytes`. */
export function wholePlace(path: string, { device, inode, changedAt }: Rotated, bytes: Buffer | undefined): FilePlace {
  const head = headOf(bytes ?? Buffer.alloc(0));
  const known = head === undefined ? { head: "", headLength: 0 } : { head: hashHead(head), headLength: head.length };
  return { path, device, inode, begin: 0, offset: 0, ...known, at: changedAt };
}

export class PackedRest {
  readonly path: string;
  readonly place: FilePlace;
  readonly #pieces: RestPiece[] = [];
  readonly #opened = Promise.withResolvers<boolean>();
  #done = false;
  #closed = false;
  #room: () => void = () => {};

  /** `wake` is called when there is something to take, or the end. */
  constructor(path: string, place: FilePlace, wake: () => void, warn: (text: string) => void) {
    this.path = path;
    this.place = place;
    void this.#unpack(wake, warn);
  }

  /** Whether it could be opened: from then on it does not matter what its name becomes. */
  get opened(): Promise<boolean> {
    return this.#opened.promise;
  }

  /** True when all has been taken. */
  get isDone(): boolean {
    return this.#done && this.#pieces.length === 0;
  }

  take(): RestPiece | undefined {
    const piece = this.#pieces.shift();
    this.#room();
    return piece;
  }

  close(): void {
    this.#closed = true;
    this.#room();
  }

  async #unpack(wake: () => void, warn: (text: string) => void): Promise<void> {
    const lines = new WholeLines();
    let offset = 0;
    try {
      for await (const chunk of readLogBytes(this.path, warn)) {
        this.#opened.resolve(true);
        if (this.#closed) return;
        for (let at = 0; at < chunk.length; at += pieceBytesMax) {
          const part = chunk.subarray(at, at + pieceBytesMax);
          const fresh = part.subarray(Math.max(0, this.place.offset - offset));
          offset += part.length;
          const whole = fresh.length === 0 ? undefined : lines.push(Buffer.from(fresh));
          if (whole === undefined) continue;
          await this.#add({ bytes: whole, offset: offset - (part.length - 1 - part.lastIndexOf(10)) }, wake);
          if (this.#closed) return;
        }
      }
      const last = lines.end();
      if (last !== undefined) this.#pieces.push({ bytes: last, offset });
    } catch (error) {
      this.#opened.resolve(false);
      warn(error instanceof Error ? error.message : String(error));
    }
    this.#opened.resolve(true);
    this.#done = true;
    wake();
  }

  async #add(piece: RestPiece, wake: () => void): Promise<void> {
    this.#pieces.push(piece);
    wake();
    while (this.#pieces.length >= waitingMax && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }
}
