// The log that Fail2ban would write, for jails that watch it (recidive) and for dashboards: every failure, every ban that is enforced
// and its end, whoever wished it. It reads what changed in the rows, beside the road of a ban.

import { type Ban, banKey, isStanding } from "../../core/ban.ts";
import type { Clock } from "../../core/clock.ts";
import { printNetwork } from "../../core/ip.ts";
import type { Log } from "../../core/log.ts";
import { messageOf } from "../../core/problem.ts";
import { countPriorBans, lastBanChange, readAllBans, readBanChanges } from "../../store/ban-list.ts";
import type { Fact, Store } from "../../store/db.ts";
import { LineFile } from "../line-file.ts";
import { fail2banLogLine, type LoggedEvent } from "./log-line.ts";

export interface Fail2banLogOptions {
  readonly path: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** True of a jail whose bans grow with those before. */
  readonly grows: (jail: string) => boolean;
}

/** Bans that came back with a start, a write. */
const restoredAtOnce = 1_000;

type Line = Omit<LoggedEvent, "at" | "pid">;
type Known = Pick<Ban, "from" | "until" | "count">;

export class Fail2banLog implements AsyncDisposable {
  readonly #options: Fail2banLogOptions;
  readonly #file: LineFile;
  /** Bans that stand as far as the log says. */
  #known = new Map<string, Known>();
  #seq = 0;
  #taking: Promise<void> | undefined;
  #isBehind = false;
  #stopHearing: () => void = () => {};

  constructor(options: Fail2banLogOptions) {
    this.#options = options;
    this.#file = new LineFile(options.path, options.log);
  }

  get path(): string {
    return this.#options.path;
  }

  /** Tells of the bans that stand, as Fail2ban does when it starts, and then of what changes. */
  async start(): Promise<void> {
    const { store, clock } = this.#options;
    this.#seq = await lastBanChange(store);
    let lines: Line[] = [];
    for await (const ban of readAllBans(store)) {
      if (!ban.enforce || !isStanding(ban, clock.now())) continue;
      this.#known.set(banKey(ban), ban);
      lines.push({ act: "restored", jail: ban.jail, address: printNetwork(ban.address) });
      if (lines.length < restoredAtOnce) continue;
      this.#add(lines);
      lines = [];
      await this.#file.tried();
    }
    this.#add(lines);
    this.#stopHearing = store.changes.onChange((fact) => this.#hear(fact));
  }

  found(jail: string, failures: readonly { readonly address: string; readonly at: number }[]): void {
    this.#add(failures.map(({ address, at }): Line => ({ act: "found", jail, address, failedAt: at })));
  }

  /** Nobody waits for the log: what changes while it reads is read afterwards. */
  #hear(fact: Fact): void {
    if (fact !== "bans") return;
    this.#isBehind = true;
    this.#taking ??= this.#takeAll().finally(() => {
      this.#taking = undefined;
    });
  }

  /** After a rotation. */
  reopen(): void {
    this.#file.reopen();
  }

  /** Resolves when what has changed until now is written, or could not be. */
  async caughtUp(): Promise<void> {
    await this.#taking;
    await this.#file.tried();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopHearing();
    await this.#taking;
    await this.#file[Symbol.asyncDispose]();
  }

  async #takeAll(): Promise<void> {
    try {
      while (this.#isBehind) {
        this.#isBehind = false;
        await this.#take();
      }
    } catch (error) {
      this.#options.log.warn("fail2ban-log.not-read", {
        error: messageOf(error),
      });
    }
  }

  async #take(): Promise<void> {
    const { seq, changes } = await readBanChanges(this.#options.store, this.#seq);
    this.#seq = seq;
    if (changes === undefined) return this.#compareAll();
    const lines: Line[] = [];
    for (const { address, jail, ban } of changes) {
      if (ban?.enforce) lines.push(...(await this.#linesOf(ban)));
      else lines.push(...this.#endOf(banKey({ address, jail })));
    }
    this.#add(lines);
  }

  /** Too much has happened to read it one by one. */
  async #compareAll(): Promise<void> {
    const gone = new Set(this.#known.keys());
    for await (const ban of readAllBans(this.#options.store)) {
      if (!ban.enforce) continue;
      gone.delete(banKey(ban));
      this.#add(await this.#linesOf(ban));
    }
    for (const key of gone) this.#add(this.#endOf(key));
  }

  async #linesOf(ban: Ban): Promise<Line[]> {
    const { jail, from, until, count } = ban;
    const named = { jail, address: printNetwork(ban.address) };
    const before = this.#known.get(banKey(ban));
    this.#known.set(banKey(ban), { from, until, count });
    if (before === undefined) return [{ act: "ban", ...named }, ...(await this.#growthOf(ban))];
    if (before.until !== until) return [{ act: "increased", ...named, growth: { count, from, until } }];
    return before.count === count ? [] : [{ act: "already", ...named }];
  }

  /** The ban of an address that was banned before is a longer one. */
  async #growthOf({ address, jail, from, until, origin }: Ban): Promise<Line[]> {
    const { store, grows } = this.#options;
    if (origin !== "jail" || !grows(jail)) return [];
    const text = printNetwork(address);
    const { count } = (await countPriorBans(store.facts, [address], jail)).get(text) ?? { count: 0 };
    return count < 2 ? [] : [{ act: "increased", jail, address: text, growth: { count, from, until } }];
  }

  #endOf(key: string): Line[] {
    if (!this.#known.delete(key)) return [];
    const [address = "", ...jail] = key.split(" ");
    return [{ act: "unban", jail: jail.join(" "), address }];
  }

  #add(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    const at = Math.round(this.#options.clock.now());
    this.#file.add(lines.map((line) => fail2banLogLine({ ...line, at, pid: process.pid })));
  }
}
