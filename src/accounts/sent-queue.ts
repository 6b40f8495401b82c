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
  readonly #changed = new Set<string>();

  add(queueId: string, mail: QueuedMail): void {
    const { at } = mail;
    if (this.#young.size >= halfMax || at - this.#youngSince > halfLifeMs) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSince = at;
    }
    this.#young.set(queueId, mail);
    this.#changed.add(queueId);
    if (this.#changed.size > halfMax) this.#changed.clear();
  }

  /** What is known of the message changed. */
  touch(queueId: string): void {
    this.#changed.add(queueId);
  }

  /** The messages whose entries changed since the last call. */
  takeChanges(): readonly (readonly [string, QueuedMail])[] {
    const changed = [...this.#changed].flatMap((id) => {
      const mail = this.find(id);
      return mail === undefined ? [] : [[id, mail] as const];
    });
    this.#changed.clear();
    return changed;
  }

  /** The account's messages as far as they are known, oldest first. */
  ofAccount(name: string): readonly (readonly [string, QueuedMail])[] {
    return [...this.#old, ...this.#young].filter(([, mail]) => mail.account.name === name);
  }

  eraseAccount(name: string): void {
    for (const half of [this.#old, this.#young])
      for (const [id, mail] of half) if (mail.account.name === name) half.delete(id);
  }

  find(queueId: string): QueuedMail | undefined {
    return this.#young.get(queueId) ?? this.#old.get(queueId);
  }
}
