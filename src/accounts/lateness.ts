// Which lines of a log are an account's, and how late lines are read: both are asked beside the lines, whoever judges.

import type { MailEvent } from "../core/event.ts";

/** Lines older than this are read late; then the log's own time rules. */
const behindMs = 300_000;
/** A log that nothing was read from for so long is quiet, not late. */
const idleMs = 30_000;

/** No login name is longer, or holds control characters. */
const nameForm = /^[^\p{Cc}]{1,320}$/u;

export function isAccountName(text: string | null): text is string {
  return text !== null && nameForm.test(text);
}

/** Deliveries of mail that is not an account's say nothing, and most mail is not. */
export function concernsAccount({ kind, queueId, user }: MailEvent, isOwnMail: (queueId: string) => boolean): boolean {
  if (kind === "login" || kind === "auth_failure") return isAccountName(user);
  return (kind === "queued" || kind === "bounced") && queueId !== null && isOwnMail(queueId);
}

export class Lateness {
  #eventAt = 0;
  #seenAt = 0;

  /** Something of the log was read at `readAt`; `eventAt`: the last time that it told, if any. All ms since the epoch. */
  see(readAt: number, eventAt: number | undefined): void {
    this.#seenAt = readAt;
    this.#eventAt = eventAt ?? this.#eventAt;
  }

  isBehind(now: number): boolean {
    return now - this.#eventAt > behindMs && now - this.#seenAt < idleMs;
  }
}
