// The accounts' half in the logs thread of a node among several: tells what its lines say of accounts, and where it has the role of
// the judge, hears what all nodes tell.

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
import type { AskedLogin, Judge, NetworkFinder } from "./judge.ts";
import { JudgeSeat } from "./judge-seat.ts";
import { concernsAccount, isAccountName, Lateness } from "./lateness.ts";
import { restoreJudge } from "./restored-judge.ts";

/** Messages of accounts whose later lines are told too; each half. */
const idsMax = 50_000;
/** What is read so late restricts nobody (watch-keeper.ts). */
const pastMs = 86_400_000;

export class SharedAccountsPart implements LogPart<AccountsWrite> {
  readonly #networks: NetworkFinder;
  readonly #canonical: (login: string) => string;
  readonly #prefix: string;
  #young = new Set<string>();
  #old = new Set<string>();
  #asked: JudgedEvent[] = [];
  #seat: JudgeSeat | undefined;
  readonly #lateness = new Lateness();
  #events = 0;

  /** `node`: before the queue ids that it tells, because those of several hosts may be the same. */
  constructor(start: AccountsStart, networks: NetworkFinder, node: string) {
    const accounts = new Accounts(start.accounts);
    this.#canonical = (login) => accounts.canonical(login);
    this.#networks = networks;
    this.#prefix = `${node}/`;
    for (const { queueId } of start.queue)
      if (queueId.startsWith(this.#prefix)) this.#remember(queueId.slice(this.#prefix.length));
  }

  see({ batch, events }: SeenLines): readonly AccountsWrite[] {
    const told: JudgedEvent[] = batch.isReplay ? [] : this.#takeAsked();
    const past: JudgedEvent[] = [];
    for (const event of events) {
      // Other nodes are ahead of what is read late; it is known all the same.
      const isPast = batch.isReplay || event.at < batch.readAt - pastMs;
      if (this.#matters(event)) (isPast ? past : told).push({ kind: "mail", event: this.#ofHere(event) });
    }
    if (!batch.isReplay) this.#lateness.see(batch.readAt, events.at(-1)?.at);
    return [...this.#tell(past, true), ...this.#tell(told)];
  }

  due(now: number): readonly AccountsWrite[] {
    return [...this.#tell(this.#takeAsked()), ...(this.#seat?.due(now) ?? [])];
  }

  report(): AccountsReport {
    const judge = this.#seat?.judge;
    return { accounts: judge?.size ?? 0, events: this.#events, late: judge?.late ?? 0 };
  }

  answer(question: unknown): AccountsAnswer {
    const asked = question as AccountsQuestion;
    switch (asked.ask) {
      case "asked":
        if (!this.#lateness.isBehind(asked.now)) for (const login of asked.logins) this.#seeAsked(login);
        return null;
      case "sit":
        this.#seat = new JudgeSeat(asked.start, this.#networks, asked);
        return true;
      case "rise":
        this.#seat = undefined;
        return true;
      case "hear":
        this.#seat?.hear(asked);
        return this.#seat !== undefined;
      case "look":
        return this.#look(asked);
      case "account":
      case "queue":
      case "marks":
      case "reset":
      case "erase":
        throw new Error(`${asked.ask} is told to the node that judges`);
      default:
        return asked satisfies never;
    }
  }

  /** The account by the judge here, or by one that is made of what lies on disk. */
  #look({ account, start, now }: Extract<AccountsQuestion, { ask: "look" }>): AccountsAnswer {
    const judge: Judge | undefined =
      this.#seat?.judge ?? (start && restoreJudge(start, this.#networks, () => undefined));
    if (judge === undefined) return null;
    const name = this.#canonical(account);
    const queue = judge.queue.ofAccount(name).map(([queueId, { at }]) => ({ queueId, at }));
    return { view: viewAccount(judge, name, now), queue };
  }

  #seeAsked(login: AskedLogin): void {
    if (isAccountName(login.user)) this.#asked.push({ kind: "asked", login });
  }

  #takeAsked(): JudgedEvent[] {
    const asked = this.#asked;
    this.#asked = [];
    return asked;
  }

  #tell(told: readonly JudgedEvent[], isPast = false): AccountsWrite[] {
    if (told.length === 0) return [];
    this.#events += told.length;
    return [{ kind: "told", body: printEvents(told, isPast) }];
  }

  #matters(event: MailEvent): boolean {
    return concernsAccount(event, (queueId) => this.#young.has(queueId) || this.#old.has(queueId));
  }

  #ofHere(event: MailEvent): MailEvent {
    const { kind, queueId } = event;
    if (queueId === null) return event;
    if (kind === "login") this.#remember(queueId);
    return { ...event, queueId: `${this.#prefix}${queueId}` };
  }

  #remember(queueId: string): void {
    if (this.#young.size >= idsMax) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(queueId);
  }
}
