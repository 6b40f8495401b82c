// Attackers that spread over a network: each address stays below maxretry, or comes once. Failures are also counted by /24 (IPv4)
// and /48 (IPv6, its /64s as addresses), and the narrowest prefix in them is told that holds enough failures of enough addresses.

import { type Ip, type Network, networkOf, parseIp } from "../core/ip.ts";

import type { FailureBudget } from "./failure-budget.ts";

export interface SubnetSetting {
  /** Failures within findtime, all addresses of the prefix together. */
  readonly maxretry: number;
  /** From at least so many addresses. */
  readonly addresses: number;
  readonly findtimeMs: number;
}

/** What fell out of findtime is looked for no more often. */
const cleanEveryMs = 5_000;
/** Failures of one block that are kept, the latest. */
const failuresMax = 256;

const blockLength = { 4: 24, 6: 48 } as const;
/** Bits below the block that tell addresses apart: all of IPv4's, of IPv6 the /64s. */
const lowBits = { 4: 8, 6: 16 } as const;

export interface SubnetHit {
  readonly network: Network;
  readonly failures: number;
  readonly addresses: number;
}

export class SubnetCounter {
  readonly #setting: SubnetSetting;
  /** Flat pairs: time, bits below the block. */
  readonly #blocks = new Map<number, number[]>();
  readonly #budget: FailureBudget;
  #cleanAt = Number.NEGATIVE_INFINITY;

  constructor(setting: SubnetSetting, budget: FailureBudget) {
    this.#setting = setting;
    this.#budget = budget;
    budget.join(this.#blocks, lastTime);
  }

  /** Counts a failure of an address at `at` (ms); the prefix that is to be banned for it. */
  add(address: string, at: number): SubnetHit | undefined {
    const ip = parseIp(address);
    if (ip === undefined) return undefined;
    const block = networkOf(ip, blockLength[ip.family]);
    const low = ip.family === 4 ? ip.words[0] & 0xff : ip.words[1] & 0xffff;
    const key = keyOf(block.ip);
    const known = this.#blocks.get(key);
    const flat = known ?? [at, low];
    known?.push(at, low);
    dropOld(flat, at - this.#setting.findtimeMs);
    this.#blocks.delete(key);
    this.#blocks.set(key, flat);
    this.#budget.added();
    this.#clean(at);
    if (flat.length < this.#setting.maxretry * 2) return undefined;
    return this.#narrowest(block, flat, low, at);
  }

  /** Forgets a block: it was banned or forgiven. */
  forget(network: Network): void {
    const { family } = network.ip;
    if (network.length < blockLength[family]) return;
    this.#blocks.delete(keyOf(networkOf(network.ip, blockLength[family]).ip));
  }

  #narrowest(block: Network, flat: readonly number[], low: number, at: number): SubnetHit | undefined {
    const width = lowBits[block.ip.family];
    for (let free = 1; free <= width; free++) {
      const seen = new Set<number>();
      let failures = 0;
      for (let i = 0; i < flat.length; i += 2) {
        const other = flat[i + 1] ?? 0;
        if ((flat[i] ?? 0) <= at - this.#setting.findtimeMs || other >>> free !== low >>> free) continue;
        failures++;
        seen.add(other);
      }
      if (failures < this.#setting.maxretry || seen.size < this.#setting.addresses) continue;
      return { network: prefixOf(block, low, width - free), failures, addresses: seen.size };
    }
    return undefined;
  }

  #clean(now: number): void {
    if (now < this.#cleanAt) return;
    this.#cleanAt = now + cleanEveryMs;
    for (const [key, flat] of this.#blocks) {
      if (lastTime(flat) > now - this.#setting.findtimeMs) break;
      this.#blocks.delete(key);
    }
  }
}

/** A number for each block: 24 bits of IPv4, 48 of IPv6 behind them. */
function keyOf({ family, words }: Ip): number {
  return family === 4 ? words[0] >>> 8 : 0x1000000 + words[0] * 0x10000 + (words[1] >>> 16);
}

/** Takes away what is out of findtime, and of the rest what is too much. */
function dropOld(flat: number[], from: number): void {
  let i = Math.max(0, flat.length - failuresMax * 2);
  while (i < flat.length - 2 && (flat[i] ?? 0) <= from) i += 2;
  if (i > 0) flat.splice(0, i);
}

function lastTime(flat: readonly number[]): number {
  return flat[flat.length - 2] ?? 0;
}

/** The prefix `more` bits longer than the block that holds the address with these low bits. */
function prefixOf({ ip, length }: Network, low: number, more: number): Network {
  const [a, b, c, d] = ip.words;
  const words = ip.family === 4 ? ([(a | low) >>> 0, b, c, d] as const) : ([a, (b | low) >>> 0, c, d] as const);
  return networkOf({ family: ip.family, words }, length + more);
}
