// Open messages as the store keeps them: a row a recipient, so that a mail to a thousand costs a thousand small rows,
// and one row for the answer at the end. Rows are written in the transaction of their charges.

import type { StoredMessage } from "../store/db.ts";
import { type Booking, type EndedMessage, OpenMessage, type TrackedRecipient } from "./message.ts";
import type { Verdict } from "./verdict.ts";

/** DEL: JSON keeps it as it is. The parts before it are addresses and instances, which a client does not write. */
const separator = "\x7f";
const endMark = "end";

/** The id of a message: unique for the node, since an instance is unique for one Postfix host only. */
export function messageId(client: string, instance: string): string {
  return `${client}${separator}${instance}`;
}

export function recipientRowId(message: OpenMessage, n: number): string {
  return `${message.id}${separator}${n}`;
}

export function recipientRow(message: OpenMessage, n: number, recipient: TrackedRecipient): StoredMessage {
  return { id: recipientRowId(message, n), openedAt: message.openedAt, body: renderRecipient(recipient) };
}

export function endRowId(message: OpenMessage): string {
  return `${message.id}${separator}${endMark}`;
}

export function endRow(message: OpenMessage, ended: EndedMessage): StoredMessage {
  return { id: endRowId(message), openedAt: message.openedAt, body: renderEnd(ended) };
}

/** Open messages as they were before a restart, by id. The rows are our own, written by the functions above. */
export function restoreMessages(rows: readonly StoredMessage[]): Map<string, OpenMessage> {
  const messages = new Map<string, OpenMessage>();
  for (const row of [...rows].sort((a, b) => rowNumber(a) - rowNumber(b))) {
    const id = row.id.slice(0, row.id.lastIndexOf(separator));
    const message = messages.get(id) ?? new OpenMessage(id, row.openedAt, true);
    messages.set(id, message);
    restoreRow(message, row);
  }
  return messages;
}

function restoreRow(message: OpenMessage, row: StoredMessage): void {
  if (row.id.endsWith(separator + endMark)) {
    message.end(parseEnd(row.body));
  } else {
    message.add(parseRecipient(row.body));
    message.passed++;
  }
}

/** The end comes last, whatever its row's id. */
function rowNumber(row: StoredMessage): number {
  const mark = row.id.slice(row.id.lastIndexOf(separator) + 1);
  return mark === endMark ? Number.MAX_SAFE_INTEGER : Number(mark);
}

/** Written for every recipient, so it is short: lists without names, and DUNNO as the context alone. */
type RecipientBody = readonly [
  address: string,
  bookings: readonly Booking[],
  firsts: readonly Booking[],
  sizes: readonly string[],
  exempt: 0 | 1,
  answers: readonly (string | readonly [context: string, verdict: Verdict])[],
];

function renderRecipient({ address, bookings, firsts, sizes, exempt, answers }: TrackedRecipient): string {
  const short = answers.map((answer) => (answer[1].kind === "dunno" ? answer[0] : answer));
  const body: RecipientBody = [address, bookings, firsts, sizes, exempt ? 1 : 0, short];
  return JSON.stringify(body);
}

function parseRecipient(text: string): TrackedRecipient {
  const [address, bookings, firsts, sizes, exempt, short] = JSON.parse(text) as RecipientBody;
  const answers = short.map((answer) => (typeof answer === "string" ? ([answer, { kind: "dunno" }] as const) : answer));
  return { address, bookings, firsts, sizes, exempt: exempt === 1, answers };
}

type EndBody = readonly [queueId: string, at: number, verdict: Verdict | 0];

function renderEnd({ queueId, at, verdict }: EndedMessage): string {
  const body: EndBody = [queueId, at, verdict.kind === "dunno" ? 0 : verdict];
  return JSON.stringify(body);
}

function parseEnd(text: string): EndedMessage {
  const [queueId, at, verdict] = JSON.parse(text) as EndBody;
  return { queueId, at, verdict: verdict === 0 ? { kind: "dunno" } : verdict, isRecorded: true };
}
