// All open messages of this node and their life: found by their questions, charged, ended, given back (decided 2).
// Everything that changes one happens inside the job of the store that charges its cells.

import { type Ip, printIp } from "../core/ip.ts";
import type { CellView, StoredMessage } from "../store/db.ts";
import type { Question } from "./check.ts";
import { Ledger } from "./ledger.ts";
import { bookingsOf, OpenMessage, type TrackedRecipient } from "./message.ts";
import { endRow, endRowId, messageId, recipientRow, recipientRowId, restoreMessages } from "./message-rows.ts";
import type { Request } from "./request.ts";
import { letsPass, type Verdict } from "./verdict.ts";

/** One smtpd's connection, as far as messages are concerned. */
export interface Asker {
  /** The message its last question belonged to: another instance on the same connection ends it. */
  current: string | undefined;
}

export interface MessageStats {
  /** In flight: asked about at RCPT, END-OF-MESSAGE still to come. */
  readonly openMessages: number;
  /** Messages that ended without END-OF-MESSAGE, and with it. */
  readonly aborted: number;
  readonly completed: number;
  /** END-OF-MESSAGE of messages that no RCPT question announced. */
  readonly untracked: number;
}

/** Messages in memory: some hundred bytes each. Beyond it the oldest are given back early. */
const messagesMax = 100_000;
/** Messages given back in one sweep, so that a sweep never holds up questions. */
const sweepMax = 500;

export class OpenMessages {
  readonly #stats = { aborted: 0, completed: 0, untracked: 0 };
  /** Printed addresses of Postfix hosts; a connection's is one object. */
  readonly #clients = new WeakMap<Ip, string>();
  #messages = new Map<string, OpenMessage>();

  get stats(): MessageStats {
    let openMessages = 0;
    for (const message of this.#messages.values()) if (message.ended === undefined) openMessages++;
    return { ...this.#stats, openMessages };
  }

  /** Goes on with the messages that were open when the store was last closed, or killed. */
  restore(rows: readonly StoredMessage[]): void {
    this.#messages = restoreMessages(rows);
  }

  /** Messages of nodes that are gone, to be given back by the next sweep. One that this node has itself stays as it is. */
  adopt(rows: readonly StoredMessage[]): void {
    for (const [id, message] of restoreMessages(rows)) if (!this.#messages.has(id)) this.#messages.set(id, message);
  }

  /** The open message of a question; a RCPT after its end begins another one (reference: the END-OF-MESSAGE pitfall). */
  find(id: string, request: Request, now: number): OpenMessage | undefined {
    if (id === "") return undefined;
    const message = this.#messages.get(id);
    if (message !== undefined && message.ended === undefined) return message;
    return request.state === "RCPT" ? new OpenMessage(id, now) : undefined;
  }

  /** An instance is unique for one Postfix host only; a Unix socket has one host behind it. Empty without an instance. */
  idOf({ peer, instance }: Request): string {
    if (instance === "") return "";
    if (peer === undefined) return messageId("unix", instance);
    return messageId(this.#clients.get(peer) ?? this.#print(peer), instance);
  }

  #print(peer: Ip): string {
    const client = printIp(peer);
    this.#clients.set(peer, client);
    return client;
  }

  /** The answer that the same question got before: Postfix repeats one whose answer it did not see. */
  findAnswer(question: Question, asker: Asker): Verdict | undefined {
    const answer = this.#answerOf(question);
    // A repeated question comes on another connection, which from here on is the message's.
    if (answer !== undefined) asker.current ??= question.messageId;
    return answer;
  }

  #answerOf({ request, message, messageId: id }: Question): Verdict | undefined {
    if (request.state === "RCPT") {
      const answer = message?.findAnswer(request.context, request.recipient);
      if (answer !== undefined && message !== undefined && letsPass(answer)) message.passed++;
      return answer;
    }
    if (request.state !== "END-OF-MESSAGE") return undefined;
    const ended = this.#messages.get(id)?.ended;
    return ended !== undefined && ended.queueId === request.queueId ? ended.verdict : undefined;
  }

  /** Notes that `asker` asked this; returns the message that the question ends: another one of the connection, or its own instance's earlier one. */
  supersede({ messageId: id, message }: Question, asker: Asker): OpenMessage | undefined {
    if (id === "") return undefined;
    const last = asker.current;
    asker.current = id;
    if (last !== undefined && last !== id) return this.#messages.get(last);
    const known = this.#messages.get(id);
    return known !== undefined && known !== message ? known : undefined;
  }

  /** A recipient that was asked about: let pass with what it charged, or refused. */
  trackRecipient({ request, message }: Question, ledger: Ledger, verdict: Verdict, view: CellView): void {
    if (message === undefined) return;
    this.#messages.set(message.id, message);
    if (!letsPass(verdict)) {
      message.keepRefusal(request.context, request.recipient, verdict);
      return;
    }
    message.passed++;
    const { bookings, firsts, sizes, exempt } = ledger;
    const answers = [[request.context, verdict] as const];
    const n = message.add({ address: request.recipient, bookings, firsts, sizes, exempt, answers });
    const recipient = message.recipients[n];
    if (recipient !== undefined && isKept(recipient)) view.saveMessage(recipientRow(message, n, recipient));
  }

  /** Before END-OF-MESSAGE is judged: recipients that Postfix did not accept in the end are given back, whatever the verdict. */
  giveBackDropped({ request, message, now }: Question, view: CellView): void {
    const { dropped } = message?.split(request.recipientCount) ?? { dropped: [] };
    if (dropped.length > 0) giveBack(dropped, view, now);
  }

  /** END-OF-MESSAGE was judged. The answer is kept for a repeated question: on disk when that would charge twice. */
  end({ request, message, messageId: id, now }: Question, hasCharged: boolean, verdict: Verdict, view: CellView): void {
    if (message === undefined) this.#stats.untracked++;
    else {
      this.#stats.completed++;
      if (!letsPass(verdict)) giveBack(message.split(request.recipientCount).kept, view, now);
    }
    if (id === "") return;
    const ended = message ?? new OpenMessage(id, now);
    const isRecorded = hasCharged || ended.recipients.some(isKept);
    dropRows(ended, view);
    const end = { queueId: request.queueId, at: now, verdict, isRecorded };
    ended.end(end);
    this.#messages.set(ended.id, ended);
    if (isRecorded) view.saveMessage(endRow(ended, end));
  }

  /** Forgets a message; one without END-OF-MESSAGE gives its charges back. Its cells must be among the job's. */
  close(message: OpenMessage, view: CellView, now: number): void {
    if (message.ended === undefined) {
      this.#stats.aborted++;
      giveBack(message.recipients, view, now);
      dropRows(message, view);
    } else if (message.ended.isRecorded) view.dropMessage(endRowId(message));
    if (this.#messages.get(message.id) === message) this.#messages.delete(message.id);
  }

  /** At most 500 messages that nobody will ask about any more, and the oldest ones when there are too many. */
  due(now: number): readonly OpenMessage[] {
    const due: OpenMessage[] = [];
    let excess = this.#messages.size - messagesMax;
    for (const message of this.#messages.values()) {
      if (message.overdueAt() <= now || excess-- > 0) due.push(message);
      if (due.length >= sweepMax) break;
    }
    return due;
  }
}

/** Whether a recipient has a row. One that charged nothing is known in memory only: after a crash it is judged again, at no cost to anybody. */
function isKept(recipient: TrackedRecipient): boolean {
  return recipient.bookings.length + recipient.firsts.length + recipient.sizes.length > 0;
}

function giveBack(recipients: readonly TrackedRecipient[], view: CellView, now: number): void {
  const bookings = bookingsOf(recipients);
  if (bookings.length === 0) return;
  const ledger = new Ledger(view);
  for (const booking of bookings) ledger.giveBack(booking, now);
  ledger.commit();
}

function dropRows(message: OpenMessage, view: CellView): void {
  for (const [n, recipient] of message.recipients.entries()) {
    if (isKept(recipient)) view.dropMessage(recipientRowId(message, n));
  }
}
