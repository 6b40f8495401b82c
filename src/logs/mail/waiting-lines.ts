// Lines of one teller that wait for their second telling, in a ring: the oldest makes room for the next. Found by the address that failed.

export interface WaitingLine {
  readonly at: number;
  readonly ip: string;
  readonly user: string | null;
  /** Attempts that were not told a second time. */
  left: number;
}

const buckets = 16_384;
/** Lines that one look goes through: no client has more refused passwords under way at once. */
const lookedAtMax = 128;

export class WaitingLines {
  /** With more under way one password may count twice, which no attacker gains by. */
  readonly linesMax: number;
  readonly #ring: WaitingLine[] = [];
  /** Lines that ever waited; a line's number is how many came before it. */
  #count = 0;
  /** The number of the last line of each bucket, and of the line before each line in its bucket; from 1, as 0 is none. */
  #last: Float64Array | undefined;
  #before: Float64Array | undefined;

  constructor(linesMax: number) {
    this.linesMax = linesMax;
  }

  /** Lines of an address that have attempts left, the oldest first. */
  of(ip: string): readonly WaitingLine[] {
    if (this.#last === undefined || this.#before === undefined) return nothing;
    const { linesMax } = this;
    let found: WaitingLine[] | undefined;
    let number = this.#last[bucketOf(ip)] as number;
    for (let looked = 0; number > this.#count - linesMax && number > 0 && looked < lookedAtMax; looked++) {
      const line = this.#ring[(number - 1) % linesMax];
      if (line !== undefined && line.left > 0 && line.ip === ip) {
        found ??= [];
        found.push(line);
      }
      number = this.#before[(number - 1) % linesMax] as number;
    }
    return found === undefined ? nothing : found.reverse();
  }

  /** The oldest first. */
  all(): readonly WaitingLine[] {
    const first = this.#count % this.#ring.length;
    return this.#ring.length === 0 ? nothing : [...this.#ring.slice(first), ...this.#ring.slice(0, first)];
  }

  add(line: WaitingLine): void {
    this.#last ??= new Float64Array(buckets);
    this.#before ??= new Float64Array(this.linesMax);
    const place = this.#count % this.linesMax;
    const bucket = bucketOf(line.ip);
    this.#ring[place] = line;
    this.#count++;
    this.#before[place] = this.#last[bucket] as number;
    this.#last[bucket] = this.#count;
  }
}

/** The same lines with room for more. */
export function withRoom(lines: WaitingLines, linesMax: number): WaitingLines {
  const made = new WaitingLines(linesMax);
  for (const line of lines.all()) made.add(line);
  return made;
}

const nothing: readonly WaitingLine[] = [];

function bucketOf(ip: string): number {
  let hash = 0;
  for (let i = 0; i < ip.length; i++) hash = (Math.imul(hash, 31) + ip.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 14)) & (buckets - 1);
}
