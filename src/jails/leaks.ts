// Leaks: a banned address still gets lines into the log. Either the ban is not where it should be, or the connection was not cut.
// Where the firewall is our own answers nothing leaks: the lines are how they refuse.

import type { MailEvent } from "../core/event.ts";
import { parseIp, parseNetwork, printNetwork } from "../core/ip.ts";
import { BanBook } from "./ban-book.ts";
import type { Leak, LeaksReport, StandingBan } from "./jail-words.ts";

/** Lines of what was under way when the ban came, and of the time the firewall takes. */
const graceMs = 30_000;
/** Addresses that are watched; more is an attack that people look at anyway. */
const addressesMax = 200_000;
/** A ban that goes on leaking is told again. */
const tellAgainMs = 3_600_000;
/** A table that somebody switched off leaks at every ban: a few are told, all are counted. */
const toldMax = 20;

interface WatchedBan extends Pick<StandingBan, "jail" | "until" | "ports"> {
  readonly address: NonNullable<ReturnType<typeof parseNetwork>>;
  readonly enforce: true;
  /** When it was there to be held; ms since the epoch. */
  readonly since: number;
  lines: number;
  toldAt: number;
}

/** Sees mail events; knows the bans that a firewall holds, of addresses and of networks. */
export class Leaks {
  readonly #bans = new BanBook<WatchedBan>();
  #lines = 0;
  #last: LeaksReport["last"];
  #toldFrom = Number.NEGATIVE_INFINITY;
  #told = 0;

  /** A ban that is prolonged stays the one that was told of. `now`: before it nobody has seen the ban held. */
  add({ address: text, jail, from, until, ports }: StandingBan, now: number): void {
    const address = parseNetwork(text);
    if (address === undefined) return;
    const known = this.#bans.at(printNetwork(address)).find((ban) => ban.jail === jail);
    if (known === undefined && this.#bans.size >= addressesMax) return;
    const { since, lines, toldAt } = known ?? {
      ...{ since: Math.max(from, now), lines: 0, toldAt: Number.NEGATIVE_INFINITY },
    };
    this.#bans.set({ address, jail, until, ports, enforce: true, since, lines, toldAt });
  }

  remove({ address: text, jail }: { readonly address: string; readonly jail: string }): void {
    const address = parseNetwork(text);
    if (address !== undefined) this.#bans.remove({ address, jail });
  }

  /** One event that counts as having happened at `at`; what somebody should hear of. */
  see(event: MailEvent, at: number, now: number): Leak | undefined {
    const ban = event.ip === null || this.#bans.size === 0 ? undefined : this.#leaking(event.ip, event, at);
    if (ban === undefined || event.ip === null) return undefined;
    this.#lines++;
    ban.lines++;
    this.#last = { address: event.ip, jail: ban.jail, at };
    if (!this.#isToBeTold(ban, now)) return undefined;
    const { jail, since, lines } = ban;
    return { address: event.ip, ban: printNetwork(ban.address), jail, since, lines, at };
  }

  report(): LeaksReport {
    return { lines: this.#lines, last: this.#last };
  }

  #leaking(text: string, event: MailEvent, at: number): WatchedBan | undefined {
    const ip = parseIp(text);
    if (ip === undefined) return undefined;
    for (const ban of this.#bans.around(ip)) {
      if (at < ban.since + graceMs || (ban.until !== undefined && at >= ban.until)) continue;
      if (closesAll(ban, portsOf(event))) return ban;
    }
    return undefined;
  }

  #isToBeTold(ban: WatchedBan, now: number): boolean {
    if (now < ban.toldAt + tellAgainMs) return false;
    if (now >= this.#toldFrom + tellAgainMs) {
      this.#toldFrom = now;
      this.#told = 0;
    }
    if (this.#told >= toldMax) return false;
    this.#told++;
    ban.toldAt = now;
    return true;
  }
}

/** The ports that the client may have come to, where they are usual. */
function portsOf({ source, service }: MailEvent): readonly number[] {
  if (source === "postfix") return [25, 465, 587];
  return (source === "dovecot" ? portsOfService[service] : undefined) ?? [25, 110, 143, 465, 587, 993, 995, 4190];
}

const portsOfService: Readonly<Record<string, readonly number[]>> = {
  imap: [143, 993],
  pop3: [110, 995],
  submission: [465, 587],
  managesieve: [4190],
};

/** A ban that leaves one of them open may be right to let the line come. */
function closesAll({ ports: closed }: WatchedBan, ports: readonly number[]): boolean {
  return closed === undefined || ports.every((port) => closed.some(({ from, to }) => from <= port && port <= to));
}
