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
  readonly address: string;
  readonly at: number;
}

/** Accounts of one network, and the same by the address of their last login: a provider's network has thousands. */
interface Known {
  readonly accounts: Map<string, Seen>;
  readonly byAddress: Map<string, Set<string>>;
}

export class GoodLogins {
  readonly #keepMs: number;
  readonly #networks = new Map<string, Known>();
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
    const before = this.#networks.get(network)?.accounts.get(account);
    const login = { network, account, address, at };
    if (before !== undefined && before.address === address && at < before.at + writeEveryMs) return undefined;
    this.restore(login);
    return login;
  }

  restore({ network, account, address, at }: GoodLogin): void {
    const known = this.#networks.get(network) ?? { accounts: new Map<string, Seen>(), byAddress: new Map() };
    const before = known.accounts.get(account)?.address;
    if (before === undefined) this.#pairs++;
    if (before !== address) {
      if (before !== undefined) leave(known, before, account);
      enter(known, address, account);
    }
    known.accounts.set(account, { address, at });
    this.#networks.delete(network);
    this.#networks.set(network, known);
    this.#pushOut();
  }

  /** The account logged in from this network lately. */
  knows(ip: string, account: string, now: number): boolean {
    const network = this.#placesOf(ip)?.network;
    const seen = network === undefined ? undefined : this.#networks.get(network)?.accounts.get(account);
    return seen !== undefined && seen.at > now - this.#keepMs;
  }

  /** Accounts that logged in lately from this very address; counts no further than `enough`. */
  accountsAt(ip: string, now: number, enough: number): number {
    const places = this.#placesOf(ip);
    const known = places === undefined ? undefined : this.#networks.get(places.network);
    const accounts = known?.byAddress.get(places?.address ?? "");
    if (known === undefined || accounts === undefined || accounts.size < enough) return 0;
    let count = 0;
    for (const account of accounts)
      if ((known.accounts.get(account)?.at ?? 0) > now - this.#keepMs && ++count >= enough) break;
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
    for (const [network, { accounts }] of this.#networks) {
      if (this.#pairs <= pairsMax - pairsMax / 100) return;
      this.#networks.delete(network);
      this.#pairs -= accounts.size;
    }
  }
}

function enter({ byAddress }: Known, address: string, account: string): void {
  const accounts = byAddress.get(address);
  if (accounts === undefined) byAddress.set(address, new Set([account]));
  else accounts.add(account);
}

function leave({ byAddress }: Known, address: string, account: string): void {
  const accounts = byAddress.get(address);
  accounts?.delete(account);
  if (accounts?.size === 0) byAddress.delete(address);
}

function placesOf(text: string): Places | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return undefined;
  if (ip.family === 4) return { network: printNetwork(networkOf(ip, 24)), address: text };
  return { network: printNetwork(networkOf(ip, 48)), address: printNetwork(networkOf(ip, 64)) };
}
