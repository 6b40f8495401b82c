// The accounts' half in the logs thread: the judge beside the lines. What it was told lies on disk in the transaction of the place
// behind the lines; from time to time the histories that changed lie there, and what they were told is forgotten.

import { Accounts } from "../core/account.ts";
import type { MailEvent } from "../core/event.ts";
import type { LogPart, SeenLines } from "../core/log-part.ts";
import { viewAccount } from "./account-view.ts";
import type {
  AccountsAnswer,
  AccountsQuestion,
  AccountsReport,
  AccountsStart,
  AccountsWrite,
} from "./accounts-words.ts";
import { type JudgedEvent, printEvents } from "./event-record.ts";
import type { AskedLogin, Judge, LevelChange, NetworkFinder } from "./judge.ts";
import { concernsAccount, isAccountName, Lateness } from "./lateness.ts";
import type { PastJudge } from "./past-judge.ts";
import { checkpointOf, createPast, restoreJudge, useMarks } from "./restored-judge.ts";

/** Histories are written this often, and after so many events; more while old lines are being read. */
const checkpointMs = 300_000;
const checkpointEvents = 20_000;
const checkpointEventsBehind = 200_000;

export class AccountsPart implements LogPart<AccountsWrite> {
  readonly #judge: Judge;
  readonly #past: PastJudge;
  readonly #canonical: (login: string) => string;
  #changes: LevelChange[] = [];
  #asked: JudgedEvent[] = [];
  #sequence: number;
  #sinceCheckpoint = 0;
  #checkpointAt = 0;
  readonly #lateness = new Lateness();
  #events = 0;

  constructor(start: AccountsStart, networks: NetworkFinder) {
    const accounts = new Accounts(start.accounts);
    this.#canonical = (login) => accounts.canonical(login);
    this.#past = createPast(start, networks);
    this.#judge = restoreJudge(start, networks, (change) => void this.#changes.push(change), this.#past);
    this.#sequence = start.sequence;
    this.#sinceCheckpoint = start.events.length;
  }

  see({ batch, events }: SeenLines): readonly AccountsWrite[] {
    if (batch.isReplay) return this.#seePast(events);
    this.#lateness.see(batch.readAt, events.at(-1)?.at);
    const told: JudgedEvent[] = this.#takeAsked();
    for (const event of events) {
      if (!this.#matters(event)) continue;
      this.#judge.see(event);
      told.push({ kind: "mail", event });
    }
    return this.#writesOf(told);
  }

  #seePast(events: readonly MailEvent[]): readonly AccountsWrite[] {
    const told: JudgedEvent[] = [];
    for (const event of events) {
      if (!this.#matters(event) && !this.#past.knows(event)) continue;
      const one = { kind: "mail", event } as const;
      this.#past.see([one]);
      told.push(one);
    }
    return this.#writesOf(told, true);
  }

  due(now: number): readonly AccountsWrite[] {
    if (this.#past.due(this.#judge)) this.#checkpointSoon();
    if (!this.#lateness.isBehind(now)) this.#judge.due(now);
    const writes = this.#writesOf(this.#takeAsked());
    const most = this.#lateness.isBehind(now) ? checkpointEventsBehind : checkpointEvents;
    const isTime = this.#sinceCheckpoint > most || now >= this.#checkpointAt;
    // What is told of the past lies on disk as it was told, until the histories hold it.
    if (!isTime || this.#past.isWaiting) return writes;
    this.#checkpointAt = now + checkpointMs;
    if (this.#sinceCheckpoint === 0) return writes;
    return [...writes, this.#checkpoint(now)];
  }

  report(): AccountsReport {
    return { accounts: this.#judge.size, events: this.#events, late: this.#judge.late };
  }

  answer(question: unknown): AccountsAnswer {
    const asked = question as AccountsQuestion;
    switch (asked.ask) {
      case "asked":
        // While old lines are read the log will tell of it in its turn.
        if (!this.#lateness.isBehind(asked.now)) for (const login of asked.logins) this.#seeAsked(login);
        return null;
      case "account":
        return viewAccount(this.#judge, this.#canonical(asked.account), asked.now) ?? null;
      case "queue":
        return this.#judge.queue
          .ofAccount(this.#canonical(asked.account))
          .map(([queueId, { at }]) => ({ queueId, at }));
      case "marks":
        useMarks(this.#judge, asked.marks);
        this.#checkpointSoon();
        if (asked.account !== undefined) this.#judge.judgeAgain(asked.account, asked.now);
        return null;
      case "reset":
        this.#checkpointSoon();
        return this.#judge.reset(asked.account, asked.now);
      case "erase":
        this.#checkpointSoon();
        this.#past.erase(asked.account);
        return this.#judge.erase(asked.account);
      case "sit":
      case "rise":
      case "hear":
      case "look":
        throw new Error(`${asked.ask} is for nodes that share a store`);
      default:
        return asked satisfies never;
    }
  }

  /** What a person changed is no event of a log: it is on disk with the histories, at the next look. */
  #checkpointSoon(): void {
    this.#checkpointAt = 0;
    this.#sinceCheckpoint++;
  }

  #seeAsked(login: AskedLogin): void {
    if (!isAccountName(login.user)) return;
    this.#judge.seeAsked(login);
    this.#asked.push({ kind: "asked", login });
  }

  #takeAsked(): JudgedEvent[] {
    const asked = this.#asked;
    this.#asked = [];
    return asked;
  }

  #matters(event: MailEvent): boolean {
    return concernsAccount(event, (queueId) => this.#judge.queue.find(queueId) !== undefined);
  }

  #writesOf(told: readonly JudgedEvent[], isPast = false): AccountsWrite[] {
    const writes: AccountsWrite[] = [];
    if (told.length > 0) {
      this.#events += told.length;
      this.#sinceCheckpoint += told.length;
      writes.push({ kind: "events", sequence: ++this.#sequence, body: printEvents(told, isPast) });
    }
    for (const change of this.#changes) writes.push({ kind: "change", change });
    this.#changes = [];
    return writes;
  }

  #checkpoint(now: number): AccountsWrite {
    this.#sinceCheckpoint = 0;
    return checkpointOf(this.#judge, now, this.#sequence);
  }
}
