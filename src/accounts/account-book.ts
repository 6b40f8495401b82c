// Every account that was ever seen: open while something happens to it, one line of text while it is idle. Remembers which ones
// changed, for whoever keeps them on disk.

import { AccountHistory, type Marks, noMarks } from "./account-history.ts";
import { type AddressFinder, parseHistory, printHistory } from "./history-record.ts";
import type { JudgeSettings } from "./judge-settings.ts";

const dayMs = 86_400_000;

/** Login histories are personal data: what was not used for so long is forgotten. */
const keepDays = 180;

/** One account as it lies on disk. */
export interface HistoryRow {
  readonly account: string;
  readonly level: string;
  readonly seenAt: number;
  readonly body: string;
}

export class AccountBook {
  readonly #settings: JudgeSettings;
  readonly #networks: AddressFinder;
  readonly #accounts = new Map<string, AccountHistory | string>();
  readonly #changed = new Set<string>();
  readonly #gone = new Set<string>();
  #marks: ReadonlyMap<string, Marks> = new Map();
  #siteMarks = noMarks;

  constructor(settings: JudgeSettings, networks: AddressFinder) {
    this.#settings = settings;
    this.#networks = networks;
  }

  get size(): number {
    return this.#accounts.size;
  }

  /** Puts an account as it lies on disk. */
  load(row: Pick<HistoryRow, "account" | "body">): void {
    this.#accounts.set(row.account, row.body);
  }

  /** The account; made at `at` when there is none. It counts as changed. */
  open(name: string, at: number): AccountHistory {
    this.#changed.add(name);
    this.#gone.delete(name);
    return this.find(name) ?? this.#keep(new AccountHistory(name, at));
  }

  /** The account, unless there is none. */
  find(name: string): AccountHistory | undefined {
    const known = this.#accounts.get(name);
    if (typeof known !== "string") return known;
    const read = parseHistory(name, known, this.#networks);
    return read === undefined ? undefined : this.#keep(read);
  }

  /** It changed without being opened. */
  touch(account: AccountHistory): void {
    this.#changed.add(account.name);
  }

  /** Forgets an account, as if it had never been seen. */
  erase(name: string): boolean {
    this.#changed.delete(name);
    const wasThere = this.#accounts.delete(name);
    if (wasThere) this.#gone.add(name);
    return wasThere;
  }

  names(): Iterable<string> {
    return this.#accounts.keys();
  }

  /** What an administrator says, by account, and of all of them. */
  useMarks(marks: ReadonlyMap<string, Marks>, site: Marks): void {
    this.#marks = marks;
    this.#siteMarks = site;
    for (const account of this.#accounts.values()) if (typeof account !== "string") this.#mark(account);
  }

  /** Drops what has left the windows, folds up who is idle, forgets who was not seen for half a year. */
  tidy(now: number, fold: boolean): void {
    for (const [name, account] of this.#accounts) {
      if (typeof account === "string") {
        if (this.#isOver(account, now)) this.erase(name);
        continue;
      }
      account.forget(now, this.#settings);
      if (now - account.seenAt > keepDays * dayMs) this.erase(name);
      else if (fold && account.isIdle) {
        forgetUses(account, keepDays);
        this.#accounts.set(name, printHistory(account));
      }
    }
  }

  /** Who changed since the last call, and who is gone. */
  takeChanges(): { readonly changed: readonly HistoryRow[]; readonly gone: readonly string[] } {
    const changed: HistoryRow[] = [];
    for (const name of this.#changed) {
      const account = this.find(name);
      if (account === undefined) continue;
      changed.push({ account: name, level: account.level, seenAt: account.seenAt, body: printHistory(account) });
    }
    const gone = [...this.#gone];
    this.#changed.clear();
    this.#gone.clear();
    return { changed, gone };
  }

  #keep(account: AccountHistory): AccountHistory {
    this.#accounts.set(account.name, account);
    this.#mark(account);
    return account;
  }

  #mark(account: AccountHistory): void {
    const own = this.#marks.get(account.name);
    const site = this.#siteMarks;
    if (own === undefined || site === noMarks) account.marks = own ?? site;
    else account.marks = { ...own, isOwn: (login) => own.isOwn(login) || site.isOwn(login) };
  }

  /** Read from the third item, without reading the whole. */
  #isOver(body: string, now: number): boolean {
    const seenAt = Number(/^\[\d+,[\d.-]+,([\d.-]+),/.exec(body)?.[1] ?? now);
    return now - seenAt > keepDays * dayMs;
  }
}

function forgetUses(account: AccountHistory, days: number): void {
  const lists = [account.networks, account.countries, account.mechanisms, account.senders, account.servers];
  for (const uses of lists) {
    for (let i = uses.length - 1; i >= 0; i--) {
      const use = uses[i];
      if (use !== undefined && account.day - use.lastDay > days) uses.splice(i, 1);
    }
  }
}
