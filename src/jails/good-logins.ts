// Who has logged in from where: what makes a wrong password look like a typing mistake. Known for days, by network and account.

import { networkOf, parseIp, printNetwork } from "../core/ip.ts";
import { Recent } from "../core/recent.ts";

/** Login of an account; plain data. */
export interface GoodLogin {
  /** /24 of IPv4, /48 of IPv6. */
  readonly network: string;
  readonly account: string;
  /** The address of the last login, an IPv6 address as its /64. */
  readonly address: string;
  /** ms since the epoch. */
  readonly at: number;
}

/** Pairs of network and account; beyond it the network that was quiet longest is forgotten. */
const pairsMax = 200_000;
/** A login that says nothing new is written no more often. */
const writeEveryMs = 3_600_000;
const accountCharsMax = 255;

/** Addresses whose places are remembered. */
const placesMax = 16_384;

interface Places {
  readonly network: string;
  readonly address: string;
}

interface Seen {
  address: string;
  at: number;
}

export class GoodLogins {
  readonly #keepMs: number;
  readonly #networks = new Map<string, Map<string, Seen>>();
  readonly #places = new Recent<string, Places>(placesMax);
  #pairs = 0;

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Notes a login; what is to be written of it, when it says something new. */
  see(ip: string, account: string, at: number): GoodLogin | undefined {
    const places = this.#placesOf(ip);
    if (places === undefined || account === "" || account.length > accountCharsMax) return undefined;
    const { network, address } = places;
    const before = this.#networks.get(network)?.get(account);
    const login = { network, account, address, at };
    if (before !== undefined && before.address === address && at < before.at + writeEveryMs) return undefined;
    this.restore(login);
    return login;
  }

  restore({ network, account, address, at }: GoodLogin): void {
    const accounts = this.#networks.get(network) ?? new Map<string, Seen>();
    if (!accounts.has(account)) this.#pairs++;
    accounts.set(account, { address, at });
    this.#networks.delete(network);
    this.#networks.set(network, accounts);
    this.#pushOut();
  }

  /** The account logged in from this network lately. */
  knows(ip: string, account: string, now: number): boolean {
    const network = this.#placesOf(ip)?.network;
    const seen = network === undefined ? undefined : this.#networks.get(network)?.get(account);
    return seen !== undefined && seen.at > now - this.#keepMs;
  }

  /** Accounts that logged in lately from this very address; counts no further than `enough`. */
  accountsAt(ip: string, now: number, enough: number): number {
    const places = this.#placesOf(ip);
    const accounts = places === undefined ? undefined : this.#networks.get(places.network);
    if (accounts === undefined || accounts.size < enough) return 0;
    let count = 0;
    for (const { address, at } of accounts.values()) {
      if (address === places?.address && at > now - this.#keepMs && ++count >= enough) break;
    }
    return count;
  }

  /** The same few addresses are asked for over and over. */
  #placesOf(ip: string): Places | undefined {
    const known = this.#places.get(ip);
    if (known !== undefined) return known;
    const places = placesOf(ip);
    if (places === undefined) return undefined;
    this.#places.set(ip, places);
    return places;
  }

  #pushOut(): void {
    if (this.#pairs <= pairsMax) return;
    // Some at once: the first entry of a Map that lost many is found slowly.
    for (const [network, accounts] of this.#networks) {
      if (this.#pairs <= pairsMax - pairsMax / 100) return;
      this.#networks.delete(network);
      this.#pairs -= accounts.size;
    }
  }
}

function placesOf(text: string): Places | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return undefined;
  if (ip.family === 4) return { network: printNetwork(networkOf(ip, 24)), address: text };
  return { network: printNetwork(networkOf(ip, 48)), address: printNetwork(networkOf(ip, 64)) };
}
