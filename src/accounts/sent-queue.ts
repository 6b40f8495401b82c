// Whose message a queue id is. The sender of a message proves nothing; the login under whose id it was queued does.

import type { AccountHistory, SentMail } from "./account-history.ts";

/** What is known of a queued message. */
export interface QueuedMail {
  readonly account: AccountHistory;
  /** Undefined for mail from a familiar network. */
  readonly mail: SentMail | undefined;
  /** Postfix tells of a message again at each new attempt. */
  counted: boolean;
  /** When its login was. */
  readonly at: number;
}

/** Each half; about 100 bytes a message. */
const halfMax = 50_000;
/** Postfix keeps a message for five days (maximal_queue_lifetime); short ids are used again afterwards. */
const halfLifeMs = 3 * 86_400_000;

/** Queue ids in two halves: when the younger is full or old it becomes the older, and the older is forgotten. */
export class SentQueue {
  #young = new Map<string, QueuedMail>();
  #old = new Map<string, QueuedMail>();
  #youngSince = 0;

  add(queueId: string, mail: QueuedMail): void {
    const { at } = mail;
    if (this.#young.size >= halfMax || at - this.#youngSince > halfLifeMs) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSince = at;
    }
    this.#young.set(queueId, mail);
  }

  find(queueId: string): QueuedMail | undefined {
    return this.#young.get(queueId) ?? this.#old.get(queueId);
  }
}
