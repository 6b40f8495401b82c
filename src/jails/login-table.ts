// Pairs of network and account with the last login of each, in flat arrays: an object for each pair would cost ten times the memory,
// and texts cut out of lines would keep the lines. Accounts are known by 64 bits of hash.

import type { Ip } from "../core/ip.ts";

/** Where an address stands: its network (/24 of IPv4, /48 of IPv6) as two numbers, and the bits behind it (IPv6: of its /64). */
export interface LoginPlace {
  readonly high: number;
  readonly middle: number;
  readonly low: number;
}

/** The middle bits that IPv4 has none of: no network of IPv6 has the same, as the last sixteen bits there are nought. */
const ofIpv4 = 4;

export function placeOf({ family, words: [first, second] }: Ip): LoginPlace {
  if (family === 4) return { high: (first & 0xffffff00) | 0, middle: ofIpv4, low: first & 0xff };
  return { high: first | 0, middle: (second & 0xffff0000) | 0, low: second & 0xffff };
}

/** What is known of an account's name. */
export interface AccountHash {
  readonly hash: number;
  readonly mark: number;
}

/** FNV-1a, and the same with other numbers. */
export function hashOf(account: string): AccountHash {
  let hash = 0x811c9dc5 | 0;
  let mark = 0x9747b28c | 0;
  for (let i = 0; i < account.length; i++) {
    const c = account.charCodeAt(i);
    hash = Math.imul(hash ^ c, 0x01000193);
    mark = Math.imul(mark ^ c, 0x5bd1e995);
  }
  return { hash, mark };
}

const none = -1;
const rowsFirst = 1_024;

/** Rows by pair, rows by address, and all rows in the order in which they were written; a full table forgets the first of them. */
export class LoginTable {
  readonly #rowsMax: number;
  #size = 0;
  #columns: Columns;
  #byPair: Int32Array;
  #byAddress: Int32Array;
  /** The row that was written longest ago, and the last one. */
  #oldest = none;
  #newest = none;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
    this.#columns = makeColumns(rowsFirst);
    this.#byPair = new Int32Array(rowsFirst).fill(none);
    this.#byAddress = new Int32Array(rowsFirst).fill(none);
  }

  /** The row of a pair; below nought: there is none. */
  find({ high, middle }: LoginPlace, { hash, mark }: AccountHash): number {
    const { highs, middles, accounts, marks, nextOfPair } = this.#columns;
    let row = this.#byPair[pairBucket(high, middle, hash, this.#byPair.length)] as number;
    while (row >= 0) {
      if (accounts[row] === hash && marks[row] === mark && highs[row] === high && middles[row] === middle) return row;
      row = nextOfPair[row] as number;
    }
    return none;
  }

  /** The time of a row's last login, ms since the epoch. */
  timeOf(row: number): number {
    return this.#columns.times[row] as number;
  }

  isAt(row: number, { low }: LoginPlace): boolean {
    return this.#columns.lows[row] === low;
  }

  /** Writes the last login of a pair; `row` is what `find` has of it. */
  write(row: number, place: LoginPlace, account: AccountHash, at: number): void {
    if (row >= 0) this.#leave(row);
    const written = row >= 0 ? row : this.#makeRow(place, account);
    this.#columns.times[written] = at;
    this.#columns.lows[written] = place.low;
    this.#enter(written);
  }

  /** Pairs whose last login came from this very address since `since`; counts no further than `enough`. */
  countAt({ high, middle, low }: LoginPlace, since: number, enough: number): number {
    const { highs, middles, lows, times, nextAtAddress } = this.#columns;
    let count = 0;
    let row = this.#byAddress[addressBucket(high, middle, low, this.#byAddress.length)] as number;
    for (; row >= 0 && count < enough; row = nextAtAddress[row] as number) {
      if (highs[row] !== high || middles[row] !== middle || lows[row] !== low) continue;
      // The last that was written stands first: behind one that is too old are older ones.
      if ((times[row] as number) <= since) break;
      count++;
    }
    return count;
  }

  #makeRow({ high, middle }: LoginPlace, { hash, mark }: AccountHash): number {
    if (this.#size === this.#columns.rows && this.#size < this.#rowsMax) this.#grow();
    const row = this.#size < this.#columns.rows ? this.#size++ : this.#forgetOldest();
    const columns = this.#columns;
    columns.highs[row] = high;
    columns.middles[row] = middle;
    columns.accounts[row] = hash;
    columns.marks[row] = mark;
    this.#enterPair(row);
    return row;
  }

  #forgetOldest(): number {
    const row = this.#oldest;
    const { nextOfPair } = this.#columns;
    this.#leave(row);
    const bucket = this.#pairBucketOf(row);
    const next = nextOfPair[row] as number;
    let before = this.#byPair[bucket] as number;
    if (before === row) this.#byPair[bucket] = next;
    else {
      while (nextOfPair[before] !== row) before = nextOfPair[before] as number;
      nextOfPair[before] = next;
    }
    return row;
  }

  #enterPair(row: number): void {
    const bucket = this.#pairBucketOf(row);
    this.#columns.nextOfPair[row] = this.#byPair[bucket] as number;
    this.#byPair[bucket] = row;
  }

  /** At the head of its address, and behind all that were written. */
  #enter(row: number): void {
    const { newer, older, nextAtAddress, beforeAtAddress } = this.#columns;
    older[row] = this.#newest;
    newer[row] = none;
    if (this.#newest >= 0) newer[this.#newest] = row;
    else this.#oldest = row;
    this.#newest = row;
    const bucket = this.#addressBucketOf(row);
    const first = this.#byAddress[bucket] as number;
    nextAtAddress[row] = first;
    beforeAtAddress[row] = none;
    if (first >= 0) beforeAtAddress[first] = row;
    this.#byAddress[bucket] = row;
  }

  #leave(row: number): void {
    const { newer, older, nextAtAddress, beforeAtAddress } = this.#columns;
    const [after, before] = [newer[row] as number, older[row] as number];
    if (before >= 0) newer[before] = after;
    else this.#oldest = after;
    if (after >= 0) older[after] = before;
    else this.#newest = before;
    const [next, previous] = [nextAtAddress[row] as number, beforeAtAddress[row] as number];
    if (previous >= 0) nextAtAddress[previous] = next;
    else this.#byAddress[this.#addressBucketOf(row)] = next;
    if (next >= 0) beforeAtAddress[next] = previous;
  }

  /** Four times the rows, and both ways to find them made anew; rows keep their numbers and their order. */
  #grow(): void {
    const rows = Math.min(this.#rowsMax, this.#columns.rows * 4);
    const order: number[] = [];
    for (let row = this.#oldest; row >= 0; row = this.#columns.newer[row] as number) order.push(row);
    this.#columns = makeColumns(rows, this.#columns);
    const buckets = this.#byPair.length * 4;
    this.#byPair = new Int32Array(buckets).fill(none);
    this.#byAddress = new Int32Array(buckets).fill(none);
    this.#oldest = none;
    this.#newest = none;
    for (const row of order) {
      this.#enterPair(row);
      this.#enter(row);
    }
  }

  #pairBucketOf(row: number): number {
    const { highs, middles, accounts } = this.#columns;
    return pairBucket(highs[row] as number, middles[row] as number, accounts[row] as number, this.#byPair.length);
  }

  #addressBucketOf(row: number): number {
    const { highs, middles, lows } = this.#columns;
    return addressBucket(highs[row] as number, middles[row] as number, lows[row] as number, this.#byAddress.length);
  }
}

interface Columns {
  readonly rows: number;
  readonly highs: Int32Array;
  readonly middles: Int32Array;
  readonly lows: Uint16Array;
  readonly accounts: Int32Array;
  readonly marks: Int32Array;
  readonly times: Float64Array;
  readonly nextOfPair: Int32Array;
  readonly nextAtAddress: Int32Array;
  readonly beforeAtAddress: Int32Array;
  readonly newer: Int32Array;
  readonly older: Int32Array;
}

function makeColumns(rows: number, before?: Columns): Columns {
  const words = (old?: Int32Array) => {
    const made = new Int32Array(rows);
    if (old !== undefined) made.set(old);
    return made;
  };
  const lows = new Uint16Array(rows);
  const times = new Float64Array(rows);
  if (before !== undefined) {
    lows.set(before.lows);
    times.set(before.times);
  }
  return {
    ...{ rows, lows, times, highs: words(before?.highs), middles: words(before?.middles) },
    ...{ accounts: words(before?.accounts), marks: words(before?.marks), nextOfPair: words() },
    ...{ nextAtAddress: words(), beforeAtAddress: words(), newer: words(), older: words() },
  };
}

function pairBucket(high: number, middle: number, account: number, buckets: number): number {
  return mixed(Math.imul(high ^ middle, 0x9e3779b1) ^ account) & (buckets - 1);
}

function addressBucket(high: number, middle: number, low: number, buckets: number): number {
  return mixed(Math.imul(high ^ low, 0x9e3779b1) ^ middle) & (buckets - 1);
}

/** The last bits depend on all. */
function mixed(word: number): number {
  const half = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  return half ^ (half >>> 13);
}
