// Who has logged in from where: what makes a wrong password look like a typing mistake. Known for days, by network and account.

import { type Ip, networkOf, parseIp, printNetwork } from "../core/ip.ts";
import { hashOf, LoginTable, placeOf } from "./login-table.ts";

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

/** Pairs of network and account; beyond it the pair that was quiet longest is forgotten. */
const pairsMax = 200_000;
/** A login that says nothing new is written no more often. */
const writeEveryMs = 3_600_000;
const accountCharsMax = 255;

export class GoodLogins {
  readonly #keepMs: number;
  readonly #table = new LoginTable(pairsMax);

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Notes a login; what is to be written of it, when it says something new. */
  see(ip: Ip, account: string, at: number): GoodLogin | undefined {
    if (account === "" || account.length > accountCharsMax) return undefined;
    const place = placeOf(ip);
    const hash = hashOf(account);
    const row = this.#table.find(place, hash);
    const isSaid = row >= 0 && this.#table.isAt(row, place) && at < this.#table.timeOf(row) + writeEveryMs;
    if (isSaid) return undefined;
    this.#table.write(row, place, hash, at);
    const [wide, narrow] = ip.family === 4 ? [24, 32] : [48, 64];
    return { network: printNetwork(networkOf(ip, wide)), account, address: printNetwork(networkOf(ip, narrow)), at };
  }

  restore({ account, address, at }: GoodLogin): void {
    const slash = address.indexOf("/");
    const ip = parseIp(slash < 0 ? address : address.slice(0, slash));
    if (ip === undefined) return;
    const [place, hash] = [placeOf(ip), hashOf(account)];
    this.#table.write(this.#table.find(place, hash), place, hash, at);
  }

  /** The account logged in from this network lately. */
  knows(ip: Ip, account: string, now: number): boolean {
    const row = this.#table.find(placeOf(ip), hashOf(account));
    return row >= 0 && this.#table.timeOf(row) > now - this.#keepMs;
  }

  /** Accounts that logged in lately from this very address; counts no further than `enough`: 0 when there are fewer. */
  accountsAt(ip: Ip, now: number, enough: number): number {
    const count = this.#table.countAt(placeOf(ip), now - this.#keepMs, enough);
    return count < enough ? 0 : count;
  }
}
