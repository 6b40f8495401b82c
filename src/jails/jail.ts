// A jail: counts the failures of addresses and of networks around them; enough of them within findtime are a ticket.

import { printDuration } from "../core/duration.ts";
import { contains, type Network, networkOf, parseIp, parseNetwork, printNetwork, widthOf } from "../core/ip.ts";
import type { FailureBudget } from "./failure-budget.ts";
import { type Failed, type FailureCounter, makeFailureCounter } from "./failures.ts";
import type { LineMemory } from "./line-memory.ts";
import { SubnetCounter, type SubnetHit } from "./subnets.ts";
import type { Ticket } from "./ticket.ts";

/** Plain data: it crosses between threads. */
export interface JailSetting {
  readonly name: string;
  /** The jail that its bans name; its own name without. */
  readonly bansAs?: string;
  readonly maxretry: number;
  readonly findtimeMs: number;
  /** undefined: without end. */
  readonly bantimeMs: number | undefined;
  readonly method: "sliding" | "estimate";
  /** IPv6 addresses are counted and banned by this prefix: one client owns a /64. */
  readonly ipv6Prefix: 64 | 128;
  readonly subnets: { readonly maxretry: number; readonly addresses: number } | undefined;
  /** What its failures are called, in the plural. */
  readonly what: string;
}

/** What a jail has seen since the start. */
export interface JailCounts {
  failures: number;
  tickets: number;
  /** Failures older than findtime when they were read, with lines of that age that may have been failures. */
  old: number;
  /** Failures of trusted addresses. */
  exempt: number;
  /** Failures that a mild treatment kept out of the count. */
  softened: number;
  /** Failures whose address was not that of the client: somebody wrote it into the line. */
  forged: number;
  /** Failures that were our own or the back end's fault. */
  own_fault: number;
  /** Failures of names and other ids that no firewall can ban. */
  unusable: number;
}

export interface LastBan {
  readonly id: string;
  readonly at: number;
}

/** `[id, at, mark]`, so that a restart can count it again. */
export type RecordedFailure = readonly [id: string, at: number, mark: number];

export class Jail {
  readonly setting: JailSetting;
  readonly counts: JailCounts = {
    ...{ failures: 0, tickets: 0, old: 0, exempt: 0, softened: 0, forged: 0, own_fault: 0, unusable: 0 },
  };
  lastBan: LastBan | undefined;
  readonly #lines: LineMemory;
  readonly #counter: FailureCounter;
  readonly #subnets: SubnetCounter | undefined;
  #recorded: RecordedFailure[] = [];

  constructor(setting: JailSetting, lines: LineMemory, budget: FailureBudget) {
    const { subnets, findtimeMs } = setting;
    this.setting = setting;
    this.#lines = lines;
    this.#counter = makeFailureCounter(setting, budget);
    this.#subnets = subnets && new SubnetCounter({ ...subnets, findtimeMs }, budget);
  }

  /** Ids that fail just now. */
  get failing(): number {
    return this.#counter.size;
  }

  lastFailing(limit: number): ReturnType<FailureCounter["last"]> {
    return this.#counter.last(limit);
  }

  /** What is counted for an address: itself, or the network that stands for it. */
  idOf(address: string): string {
    if (this.setting.ipv6Prefix === 128 || !address.includes(":")) return address;
    const ip = parseIp(address);
    return ip === undefined || ip.family === 4 ? address : printNetwork(networkOf(ip, this.setting.ipv6Prefix));
  }

  /** True, and counted, when what happened at `at` is too old to be a failure that is read at `now`. */
  isOld(at: number, now: number): boolean {
    const isOld = at <= now - this.setting.findtimeMs;
    if (isOld) this.counts.old++;
    return isOld;
  }

  /** Counts a failure that was read at `now`: the tickets it makes, of the address and of a network around it. */
  fail(address: string, failed: Failed, now: number): Ticket[] {
    if (this.isOld(failed.at, now)) return [];
    this.counts.failures++;
    const id = this.idOf(address);
    const at = Math.min(failed.at, now);
    this.#recorded.push([id, at, failed.mark]);
    const counted = this.#counter.add(id, failed, now);
    const hit = this.#subnets?.add(address, at);
    const tickets: Ticket[] = [];
    if (counted.ban) tickets.push(this.#ticket(id, counted.failures, counted.count, at));
    if (hit !== undefined) tickets.push(this.#subnetTicket(hit, failed, at));
    return tickets;
  }

  /** Counts a failure of an account, whatever address it came from: when it is enough, the address is banned. */
  failAccount(account: string, address: string, failed: Failed, now: number): readonly Ticket[] {
    if (failed.at <= now - this.setting.findtimeMs) return [];
    const id = `account ${account}`;
    const at = Math.min(failed.at, now);
    this.#recorded.push([id, at, failed.mark]);
    const counted = this.#counter.add(id, failed, now);
    if (!counted.ban) return [];
    const ticket = this.#ticket(this.idOf(address), counted.failures, counted.count, at);
    return [{ ...ticket, reason: `${ticket.reason} of ${account}` }];
  }

  /** Takes back the failures with a mark: the account has shown its password. */
  lower(address: string, mark: number): number {
    return this.#counter.lower(this.idOf(address), mark);
  }

  has(address: string, mark: number, at: number): boolean {
    return this.#counter.has(this.idOf(address), mark, at);
  }

  /** Forgets what overlaps a network: it was unbanned, or is banned by another road. */
  forgive(network: Network): void {
    this.#subnets?.forget(network);
    this.#counter.forget(printNetwork(network));
    const host = network.length === widthOf(network.ip);
    if (host) this.#counter.forget(this.idOf(printNetwork(network)));
    else for (const [id] of this.#counter.last(this.#counter.size)) if (isInside(id, network)) this.#counter.forget(id);
  }

  /** What was counted since the last call, to be written. */
  takeRecorded(): readonly RecordedFailure[] {
    const recorded = this.#recorded;
    this.#recorded = [];
    return recorded;
  }

  /** Counts what was recorded before a restart; makes no ticket. */
  restore([id, at, mark]: RecordedFailure, now: number): void {
    if (at > now - this.setting.findtimeMs) this.#counter.add(id, { at, line: -1, mark }, now);
  }

  #ticket(id: string, failures: readonly Failed[], count: number, at: number): Ticket {
    const { name, bansAs = name, what, findtimeMs, bantimeMs } = this.setting;
    this.#noteTicket(id, at);
    const first = count - failures.length;
    const curve = failures.map((one, i) => {
      const line = this.#lines.read(one.line);
      return { at: one.at, count: first + i + 1, ...(line === undefined ? {} : { line }) };
    });
    const reason = `${count} ${what} within ${printDuration(findtimeMs)}`;
    return { jail: bansAs, id, at, reason, curve, bantimeMs };
  }

  #subnetTicket({ network, failures, addresses }: SubnetHit, failed: Failed, at: number): Ticket {
    const { name, bansAs = name, what, findtimeMs, bantimeMs } = this.setting;
    const id = printNetwork(network);
    this.#subnets?.forget(network);
    this.#noteTicket(id, at);
    const line = this.#lines.read(failed.line);
    const reason = `${failures} ${what} of ${addresses} addresses within ${printDuration(findtimeMs)}`;
    const curve = [{ at, count: failures, ...(line === undefined ? {} : { line }) }];
    return { jail: bansAs, id, at, reason, curve, bantimeMs };
  }

  #noteTicket(id: string, at: number): void {
    this.counts.tickets++;
    this.lastBan = { id, at };
  }
}

function isInside(id: string, network: Network): boolean {
  const inner = parseNetwork(id);
  return inner !== undefined && inner.length >= network.length && contains(network, inner.ip);
}
