// Attackers that spread over a network: each address stays below maxretry, or comes once. Failures are also counted by /24 (IPv4)
// and /48 (IPv6, its /64s as addresses), and the narrowest prefix in them is told that holds enough failures of enough addresses.

import { type Network, networkOf, parseIp, printNetwork } from "../core/ip.ts";

export interface SubnetSetting {
  /** Failures within findtime, all addresses of the prefix together. */
  readonly maxretry: number;
  /** From at least so many addresses. */
  readonly addresses: number;
  readonly findtimeMs: number;
}

/** Blocks that are followed; beyond it the one that failed longest ago is forgotten. */
const blocksMax = 100_000;
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
  readonly #blocks = new Map<string, number[]>();

  constructor(setting: SubnetSetting) {
    this.#setting = setting;
  }

  /** Counts a failure of an address at `at` (ms); the prefix that is to be banned for it. */
  add(address: string, at: number): SubnetHit | undefined {
    const ip = parseIp(address);
    if (ip === undefined) return undefined;
    const block = networkOf(ip, blockLength[ip.family]);
    const low = ip.family === 4 ? ip.words[0] & 0xff : ip.words[1] & 0xffff;
    const key = printNetwork(block);
    const flat = this.#blocks.get(key) ?? [];
    flat.push(at, low);
    if (flat.length > failuresMax * 2) flat.splice(0, 2);
    this.#blocks.delete(key);
    this.#blocks.set(key, flat);
    this.#pushOut();
    if (flat.length < this.#setting.maxretry * 2) return undefined;
    return this.#narrowest(block, flat, low, at);
  }

  /** Forgets a block: it was banned or forgiven. */
  forget(network: Network): void {
    const { family } = network.ip;
    if (network.length < blockLength[family]) return;
    this.#blocks.delete(printNetwork(networkOf(network.ip, blockLength[family])));
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

  #pushOut(): void {
    const [first] = this.#blocks.keys();
    if (this.#blocks.size > blocksMax && first !== undefined) this.#blocks.delete(first);
  }
}

/** The prefix `more` bits longer than the block that holds the address with these low bits. */
function prefixOf({ ip, length }: Network, low: number, more: number): Network {
  const [a, b, c, d] = ip.words;
  const words = ip.family === 4 ? ([(a | low) >>> 0, b, c, d] as const) : ([a, (b | low) >>> 0, c, d] as const);
  return networkOf({ family: ip.family, words }, length + more);
}
