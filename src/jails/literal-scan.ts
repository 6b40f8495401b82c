// Finds many texts in bytes in one pass that leaps over most of them. S. Wu, U. Manber, A fast algorithm for multi-pattern
// searching, 1994: pairs of bytes tell how far the next text may be.

import type { Literal } from "./literals.ts";

const pairs = 65_536;

interface Entry {
  readonly id: number;
  readonly bytes: Buffer;
  readonly ignoreCase: boolean;
}

/** A scan for texts of at least two bytes; ids are their numbers. */
export class LiteralScan {
  /** The window: the length of the shortest text. */
  readonly #window: number;
  /** How far the window may move when it ends with a pair. */
  readonly #shifts: Uint8Array;
  /** Texts whose window ends with a pair. */
  readonly #entries: (readonly Entry[] | undefined)[] = [];

  constructor(literals: readonly Literal[]) {
    const window = Math.min(255, ...literals.map(({ text }) => Buffer.byteLength(text)));
    this.#window = window;
    this.#shifts = new Uint8Array(pairs).fill(Math.max(1, window - 1));
    for (const [id, { text, ignoreCase }] of literals.entries())
      this.#add({ id, bytes: Buffer.from(text), ignoreCase });
  }

  /** Calls `found` for each place in `bytes` where a text begins, from left to right. */
  scan(bytes: Buffer, end: number, found: (id: number, at: number) => void): void {
    const shifts = this.#shifts;
    const window = this.#window;
    for (let last = window - 1; last < end; ) {
      const pair = ((bytes[last - 1] as number) << 8) | (bytes[last] as number);
      const shift = shifts[pair] as number;
      if (shift > 0) {
        last += shift;
        continue;
      }
      const at = last - window + 1;
      for (const entry of this.#entries[pair] ?? []) if (isAt(bytes, at, end, entry)) found(entry.id, at);
      last++;
    }
  }

  #add(entry: Entry): void {
    for (let i = 1; i < this.#window; i++) {
      const shift = this.#window - 1 - i;
      for (const pair of pairForms(entry, i)) {
        if (shift < (this.#shifts[pair] ?? 0)) this.#shifts[pair] = shift;
        if (shift === 0) this.#entries[pair] = [...(this.#entries[pair] ?? []), entry];
      }
    }
  }
}

/** Both letters in both cases, where case does not count. */
function pairForms({ bytes, ignoreCase }: Entry, i: number): readonly number[] {
  const [a = 0, b = 0] = [bytes[i - 1], bytes[i]];
  const forms = (byte: number) => (ignoreCase && byte >= 97 && byte <= 122 ? [byte, byte - 32] : [byte]);
  return forms(a).flatMap((one) => forms(b).map((two) => (one << 8) | two));
}

function isAt(bytes: Buffer, at: number, end: number, { bytes: text, ignoreCase }: Entry): boolean {
  if (at + text.length > end) return false;
  for (let i = 0; i < text.length; i++) {
    const want = text[i] as number;
    let byte = bytes[at + i] as number;
    if (ignoreCase && byte >= 65 && byte <= 90) byte += 32;
    if (byte !== want) return false;
  }
  return true;
}
