// Answers questions: match → plan → charge in one job of the store → verdict (decided 1). The road of a question is this file.

import type { Clock } from "../core/clock.ts";
import { printIp } from "../core/ip.ts";
import type { Log } from "../core/log.ts";
import type { Cells, CellView, DecisionRow } from "../store/db.ts";
import type { Check, Plan, Question } from "./check.ts";
import type { CompiledRules } from "./compiled-rules.ts";
import { DecisionBook } from "./decision-book.ts";
import type { Finding } from "./finding.ts";
import { Ledger } from "./ledger.ts";
import { bookingsOf, OpenMessage } from "./message.ts";
import { endRow, endRowId, messageId, recipientRow, recipientRowId, restoreMessages } from "./message-rows.ts";
import { onErrorOf } from "./on-error.ts";
import type { Raises } from "./raises.ts";
import type { Request } from "./request.ts";
import { letsPass, type Verdict } from "./verdict.ts";

export interface EngineParts {
  readonly cells: Cells;
  readonly clock: Clock;
  readonly log: Log;
  readonly checks: readonly Check[];
  readonly rules: CompiledRules;
  readonly raises: Raises;
  /** Told of every finding that keeps a record, also of those that share one: for figures. */
  readonly onFinding?: (finding: Finding) => void;
}

/** One smtpd's connection, as far as messages are concerned. */
export interface Asker {
  /** The message its last question belonged to: another instance on the same connection ends it. */
  current: string | undefined;
}

export interface EngineStats {
  readonly openMessages: number;
  /** Messages that ended without END-OF-MESSAGE, and with it. */
  readonly aborted: number;
  readonly completed: number;
  readonly untracked: number;
  readonly unrecorded: number;
  readonly errors: number;
}

const dunno: Verdict = { kind: "dunno" };

/** Open messages in memory: some hundred bytes each. Beyond it the oldest are given back early. */
const openMessagesMax = 100_000;
/** Messages given back in one sweep, so that a sweep never holds up questions. */
const sweepMax = 500;

export class PolicyEngine {
  readonly #parts: EngineParts;
  readonly #book = new DecisionBook();
  readonly #stats = { aborted: 0, completed: 0, untracked: 0, unrecorded: 0, errors: 0 };
  #messages = new Map<string, OpenMessage>();
  #rules: CompiledRules;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#rules = parts.rules;
  }

  get stats(): EngineStats {
    return { ...this.#stats, openMessages: this.#messages.size };
  }

  get rules(): CompiledRules {
    return this.#rules;
  }

  /** Swaps the rules whole: the next question is answered by the new ones. */
  use(rules: CompiledRules): void {
    this.#rules = rules;
  }

  /** Goes on with the messages that were open when the store was last closed, or killed. */
  async restore(): Promise<void> {
    this.#messages = restoreMessages(await this.#parts.cells.openMessages());
  }

  /** The verdict for one question, its charges on disk. Never throws for a store that is lost: then `on_error` speaks. */
  async decide(request: Request, asker: Asker): Promise<Verdict> {
    if (request.state !== "RCPT" && request.state !== "END-OF-MESSAGE" && request.state !== "DATA") return dunno;
    const question = this.#question(request);
    const repeated = this.#findAnswer(question);
    if (repeated !== undefined) {
      asker.current ??= messageId(clientOf(request), request.instance);
      return repeated;
    }
    const previous = this.#previous(question, asker);
    try {
      return await this.#charge(question, previous);
    } catch (error) {
      this.#stats.errors++;
      this.#parts.log.error("policy_error", { error: String(error), state: request.state, instance: request.instance });
      if (onErrorOf(question) === "pass") return dunno;
      return { kind: "defer", text: "451 4.3.0 Temporary policy failure, please try again later" };
    }
  }

  /** Gives back what is overdue at `now`, at most 500 messages a call; returns how many. */
  async sweep(now: number): Promise<number> {
    const due: OpenMessage[] = [];
    for (const message of this.#messages.values()) {
      if (message.overdueAt() > now && this.#messages.size <= openMessagesMax) continue;
      due.push(message);
      if (due.length >= sweepMax) break;
    }
    for (const message of due) {
      const keys = message.bookings().map(([key]) => key);
      await this.#parts.cells.charge(keys, (view) => this.#close(message, view, now));
    }
    return due.length;
  }

  /** What would be answered now, and why; charges nothing and opens no message. */
  async rehearse(request: Request): Promise<{ readonly question: Question; readonly ledger: Ledger }> {
    const question = { ...this.#question(request), message: undefined };
    const plans = this.#plan(question);
    const states = new Map<string, Awaited<ReturnType<Cells["peek"]>>>();
    for (const key of plans.flatMap((plan) => plan.keys)) states.set(key, await this.#parts.cells.peek(key));
    const ledger = new Ledger({ get: (key) => states.get(key), put: () => {} });
    settlePlans(plans, ledger);
    return { question, ledger };
  }

  #question(request: Request): Question {
    const account = request.login === "" ? "" : this.#rules.canonical(request.login);
    const resolved = account === request.login ? request : { ...request, login: account };
    const now = this.#parts.clock.now();
    return {
      request: resolved,
      now,
      account,
      rules: this.#rules,
      matched: this.#rules.matcher.match(resolved),
      message: this.#findMessage(resolved),
      maxOf: (key, max) => this.#parts.raises.maxOf(key, max, now),
    };
  }

  /** The open message of a question; a RCPT after its end begins another one (reference 1.3, the END-OF-MESSAGE pitfall). */
  #findMessage(request: Request): OpenMessage | undefined {
    if (request.instance === "") return undefined;
    const message = this.#messages.get(messageId(clientOf(request), request.instance));
    if (message !== undefined && message.ended === undefined) return message;
    return request.state === "RCPT"
      ? new OpenMessage(messageId(clientOf(request), request.instance), this.#parts.clock.now())
      : undefined;
  }

  /** The answer that the same question got before: Postfix repeats one whose answer it did not see. */
  #findAnswer({ request, message }: Question): Verdict | undefined {
    if (request.state === "RCPT") {
      const answer = message?.findAnswer(request.context, request.recipient);
      if (answer !== undefined && message !== undefined && letsPass(answer)) message.passed++;
      return answer;
    }
    if (request.state !== "END-OF-MESSAGE") return undefined;
    const ended = this.#messages.get(messageId(clientOf(request), request.instance))?.ended;
    return ended !== undefined && ended.queueId === request.queueId ? ended.verdict : undefined;
  }

  /** The message that this question ends: another one on the same connection, or its own instance's earlier one. */
  #previous({ request, message }: Question, asker: Asker): OpenMessage | undefined {
    if (request.instance === "") return undefined;
    const id = messageId(clientOf(request), request.instance);
    const last = asker.current;
    asker.current = id;
    if (last !== undefined && last !== id) return this.#messages.get(last);
    const known = this.#messages.get(id);
    return known !== undefined && known !== message ? known : undefined;
  }

  async #charge(question: Question, previous: OpenMessage | undefined): Promise<Verdict> {
    const plans = this.#plan(question);
    const keys = new Set<string>();
    for (const plan of plans) for (const key of plan.keys) keys.add(key);
    for (const message of [previous, question.message]) for (const [key] of message?.bookings() ?? []) keys.add(key);
    const { result, recorded } = await this.#parts.cells.charge([...keys], (view) => {
      if (previous !== undefined) this.#close(previous, view, question.now);
      return this.#settle(question, plans, view);
    });
    if (!recorded) this.#stats.unrecorded++;
    return result;
  }

  #plan(question: Question): readonly Plan[] {
    const plans: Plan[] = [];
    for (const check of this.#parts.checks) {
      const plan = check.plan(question);
      if (plan !== undefined) plans.push(plan);
    }
    return plans;
  }

  #settle(question: Question, plans: readonly Plan[], view: CellView): Verdict {
    if (question.request.state === "END-OF-MESSAGE") this.#giveBackDropped(question, view);
    const ledger = new Ledger(view);
    settlePlans(plans, ledger);
    const verdict = this.#record(question, ledger, view);
    if (!ledger.ended) ledger.commit();
    if (question.request.state === "RCPT") this.#trackRecipient(question, ledger, verdict, view);
    if (question.request.state === "END-OF-MESSAGE") this.#endMessage(question, verdict, view);
    return verdict;
  }

  /** Writes the records of a question and puts the first one's id where the text says `{id}`. */
  #record(question: Question, ledger: Ledger, view: CellView): Verdict {
    let id = "";
    for (const finding of ledger.findings) {
      const recorded = this.#book.record(question, finding, ledger.findings);
      if (recorded === undefined) continue;
      this.#parts.onFinding?.(finding);
      view.saveDecision(recorded.row);
      if (finding.effect === "acted") id = recorded.row.id;
      if (recorded.isFirst) this.#logDecision(recorded.row);
    }
    const { verdict } = ledger;
    if (verdict.kind === "dunno" || !verdict.text.includes("{id}")) return verdict;
    return { ...verdict, text: verdict.text.replaceAll("{id}", id) };
  }

  #logDecision(row: DecisionRow): void {
    const { id, verdict, rule, key, account, sender, recipient, client, queueId } = row;
    this.#parts.log.info("decision", {
      id,
      verdict,
      rule,
      key,
      account,
      from: sender,
      to: recipient,
      client,
      queue_id: queueId,
    });
  }

  #trackRecipient({ request, message }: Question, ledger: Ledger, verdict: Verdict, view: CellView): void {
    if (message === undefined) return;
    this.#messages.set(message.id, message);
    if (!letsPass(verdict)) {
      message.keepRefusal(request.context, request.recipient, verdict);
      return;
    }
    message.passed++;
    const { bookings, firsts, sizes } = ledger;
    const answers = [[request.context, verdict] as const];
    const address = request.recipient;
    const n = message.add({ address, bookings, firsts, sizes, exempt: ledger.exempt, answers });
    const recipient = message.recipients[n];
    // A recipient that charged nothing is remembered in memory only: after a crash it is judged again, at no cost to anybody.
    if (recipient !== undefined && bookings.length + firsts.length + sizes.length > 0)
      view.saveMessage(recipientRow(message, n, recipient));
  }

  #endMessage({ request, message, now }: Question, verdict: Verdict, view: CellView): void {
    if (message !== undefined) {
      if (!letsPass(verdict)) this.#giveBack(message.split(request.recipientCount).kept, view, now);
      dropRows(message, view);
      this.#stats.completed++;
    } else this.#stats.untracked++;
    if (request.instance === "") return;
    const ended = message ?? new OpenMessage(messageId(clientOf(request), request.instance), now);
    ended.end({ queueId: request.queueId, at: now, verdict });
    this.#messages.set(ended.id, ended);
    view.saveMessage(endRow(ended, { queueId: request.queueId, at: now, verdict }));
  }

  /** Recipients that Postfix did not accept in the end, given back whatever the verdict. */
  #giveBackDropped({ request, message, now }: Question, view: CellView): void {
    if (message === undefined) return;
    const { dropped } = message.split(request.recipientCount);
    if (dropped.length > 0) this.#giveBack(dropped, view, now);
  }

  #giveBack(recipients: OpenMessage["recipients"], view: CellView, now: number): void {
    const ledger = new Ledger(view);
    for (const booking of bookingsOf(recipients)) ledger.giveBack(booking, now);
    ledger.commit();
  }

  /** Forgets a message; one without END-OF-MESSAGE gives its charges back. */
  #close(message: OpenMessage, view: CellView, now: number): void {
    if (message.ended === undefined) {
      this.#giveBack(message.recipients, view, now);
      this.#stats.aborted++;
      dropRows(message, view);
    } else view.dropMessage(endRowId(message));
    if (this.#messages.get(message.id) === message) this.#messages.delete(message.id);
  }
}

function settlePlans(plans: readonly Plan[], ledger: Ledger): void {
  for (const plan of plans) if (!ledger.ended) plan.settle(ledger);
}

function dropRows(message: OpenMessage, view: CellView): void {
  for (const [n, recipient] of message.recipients.entries()) {
    if (recipient.bookings.length + recipient.firsts.length + recipient.sizes.length > 0)
      view.dropMessage(recipientRowId(message, n));
  }
}

/** An instance is unique for one Postfix host only; a Unix socket has one host behind it. */
function clientOf(request: Request): string {
  return request.peer === undefined ? "unix" : printIp(request.peer);
}
