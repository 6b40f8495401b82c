// What old logs tell, beside the judge of the present: it has its own histories and its own time, tells nobody of anything, and when
// no more comes its histories become part of those of the present: what was familiar then is familiar, and no alarm of then is one.

import type { MailEvent } from "../core/event.ts";
import type { AccountHistory } from "./account-history.ts";
import { type JudgedEvent, replayEvents } from "./event-record.ts";
import type { Judge } from "./judge.ts";
import type { Use } from "./use-list.ts";

/** Looks without anything of the past, a second each, until what was told is all. */
const quietLooks = 5;
/** Looks at most: a clock that is a day behind tells of the past for ever. */
const looksMax = 300;
const usesMax = 48;
const dayCountsMax = 14;
const dayMs = 86_400_000;

export class PastJudge {
  readonly #create: () => Judge;
  #judge: Judge | undefined;
  #quiet = 0;
  #looks = 0;

  /** `create`: an empty judge. */
  constructor(create: () => Judge) {
    this.#create = create;
  }

  /** Something was told that the present does not know yet. */
  get isWaiting(): boolean {
    return this.#judge !== undefined;
  }

  see(events: readonly JudgedEvent[]): void {
    const judge = this.#open();
    for (const one of events) if (one.kind === "mail") judge.see(one.event);
  }

  /** The same, as it lies on disk. */
  replay(text: string): void {
    replayEvents(text, this.#open());
  }

  knows({ queueId }: MailEvent): boolean {
    return queueId !== null && this.#judge?.queue.find(queueId) !== undefined;
  }

  erase(account: string): void {
    this.#judge?.erase(account);
  }

  /** Called about once a second; true when the present has learned what was told. */
  due(present: Judge): boolean {
    if (this.#judge === undefined) return false;
    this.#quiet++;
    this.#looks++;
    if (this.#quiet < quietLooks && this.#looks < looksMax) return false;
    learn(present, this.#judge);
    this.#judge = undefined;
    this.#looks = 0;
    return true;
  }

  #open(): Judge {
    this.#quiet = 0;
    this.#judge ??= this.#create();
    return this.#judge;
  }
}

function learn(present: Judge, past: Judge): void {
  for (const name of past.book.names()) {
    const old = past.book.find(name);
    if (old === undefined) continue;
    // Its last day ends with what was told of it.
    old.turnDay((old.day + 1) * dayMs, () => undefined);
    const known = present.book.find(name);
    const account = present.book.open(name, old.firstAt);
    if (known === undefined) account.day = old.day;
    add(account, old, present.credited(account));
  }
}

function add(account: AccountHistory, old: AccountHistory, credited: (use: Use, isCountry: boolean) => void): void {
  if (account.servers.length === 0) account.servers = [];
  join(account.networks, old.networks, (use) => credited(use, false));
  join(account.countries, old.countries, (use) => credited(use, true));
  for (const list of ["servers", "mechanisms", "senders"] as const) join(account[list], old[list]);
  account.dayCounts.splice(0, 0, ...old.dayCounts);
  account.dayCounts.splice(0, account.dayCounts.length - dayCountsMax);
  if (old.hours.length > 0) {
    account.hours = old.hours.map((count, hour) => count + (account.hours[hour] ?? 0));
    account.hoursCount += old.hoursCount;
  }
  account.learnOf(old);
}

function join(uses: Use[], old: readonly Use[], credited: (use: Use) => void = () => undefined): void {
  for (const use of old) {
    const index = uses.findIndex(({ key }) => key === use.key);
    const known = uses[index];
    const wasCalm = known !== undefined && known.calmDays > 0;
    const joined = known ?? { ...use };
    // Logins of the present point to it: it changes in its place.
    if (known !== undefined) Object.assign(known, union(known, use));
    else if (uses.length < usesMax) uses.push(joined);
    if (!wasCalm && joined.calmDays > 0) credited(joined);
  }
}

/** A day that both tell of is one day. */
function union(a: Use, b: Use): Pick<Use, "lastDay" | "calmDays"> {
  const overlap = a.firstDay <= b.lastDay && b.firstDay <= a.lastDay;
  const calmDays = overlap ? Math.max(a.calmDays, b.calmDays) : a.calmDays + b.calmDays;
  return { lastDay: Math.max(a.lastDay, b.lastDay), calmDays };
}
