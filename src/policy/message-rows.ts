// Open messages as the store keeps them: a row a recipient, so that a mail to a thousand costs a thousand small rows,
// and one row for the answer at the end. Rows are written in the transaction of their charges.

import type { StoredMessage } from "../store/db.ts";
import { type EndedMessage, OpenMessage, type TrackedRecipient } from "./message.ts";

const separator = "\x1f";
const endMark = "end";

/** The id of a message: unique for the node, since an instance is unique for one Postfix host only. */
export function messageId(client: string, instance: string): string {
  return `${client}${separator}${instance}`;
}

export function recipientRowId(message: OpenMessage, n: number): string {
  return `${message.id}${separator}${n}`;
}

export function recipientRow(message: OpenMessage, n: number, recipient: TrackedRecipient): StoredMessage {
  return { id: recipientRowId(message, n), openedAt: message.openedAt, body: JSON.stringify(recipient) };
}

export function endRowId(message: OpenMessage): string {
  return `${message.id}${separator}${endMark}`;
}

export function endRow(message: OpenMessage, ended: EndedMessage): StoredMessage {
  return { id: endRowId(message), openedAt: message.openedAt, body: JSON.stringify(ended) };
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
    message.end(JSON.parse(row.body) as EndedMessage);
  } else {
    message.add(JSON.parse(row.body) as TrackedRecipient);
    message.passed++;
  }
}

/** The end comes last, whatever its row's id. */
function rowNumber(row: StoredMessage): number {
  const mark = row.id.slice(row.id.lastIndexOf(separator) + 1);
  return mark === endMark ? Number.MAX_SAFE_INTEGER : Number(mark);
}
