// An open mail: its accepted recipients and provisional charges, by (client, instance), until END-OF-MESSAGE (decided 2).

import type { Verdict } from "./verdict.ts";

/** One charge as it was booked: cell key, time, amount. */
export type Booking = readonly [key: string, at: number, amount: number];

/** A recipient that we let pass, with what it was charged. */
export interface TrackedRecipient {
  readonly address: string;
  /** Charges of this recipient alone. */
  readonly bookings: readonly Booking[];
  /** Charges once a message (`messages`) that this recipient was the first to cause. */
  readonly firsts: readonly Booking[];
  /** Cells that want the true size at END-OF-MESSAGE. */
  readonly sizes: readonly string[];
  /** An access `ok` exempted it from our refusals. */
  readonly exempt: boolean;
  /** What it was answered, by policy_context: two calls in main.cf are two questions, charged once. */
  readonly answers: readonly (readonly [context: string, verdict: Verdict])[];
}

export interface EndedMessage {
  readonly queueId: string;
  readonly at: number;
  readonly verdict: Verdict;
  /** Whether the end has a row of its own. */
  readonly isRecorded: boolean;
}

/** Overdue: no END-OF-MESSAGE came in this time (decided 2). Above Postfix's smtpd_timeout of 300 s a command. */
const openMessageMs = 3_600_000;

/** How long the answer to an END-OF-MESSAGE is kept for a repeated question: Postfix asks twice within 2 × 100 s + 1 s. */
const endedMessageMs = 600_000;

/** Refusals kept for repeated questions; above Postfix's smtpd_recipient_limit of 1 000. Those beyond it are judged again. */
const refusalsMax = 2_000;

/** Up to so many recipients are looked through; more have an index. */
const scannedMax = 8;

/** One mail in flight; changed only inside the job that charges its cells. */
export class OpenMessage {
  readonly id: string;
  readonly openedAt: number;
  /** True when it was read back after a restart: recipients that charged nothing are not known then. */
  readonly restored: boolean;
  /** RCPT questions that we let pass, repeated ones included. */
  passed = 0;
  readonly #recipients: TrackedRecipient[] = [];
  /** Numbers by address, made when there are many: most messages have one recipient. */
  #index: Map<string, number> | undefined;
  #refusals: Map<string, Verdict> | undefined;
  #ended: EndedMessage | undefined;

  constructor(id: string, openedAt: number, restored = false) {
    this.id = id;
    this.openedAt = openedAt;
    this.restored = restored;
  }

  get recipients(): readonly TrackedRecipient[] {
    return this.#recipients;
  }

  get ended(): EndedMessage | undefined {
    return this.#ended;
  }

  find(address: string): TrackedRecipient | undefined {
    const n = this.#numberOf(address);
    return n === undefined ? undefined : this.#recipients[n];
  }

  #numberOf(address: string): number | undefined {
    if (this.#index !== undefined) return this.#index.get(address);
    for (let n = 0; n < this.#recipients.length; n++) if (this.#recipients[n]?.address === address) return n;
    return undefined;
  }

  /** The answer this question got before, so that a repeated question is not charged again. */
  findAnswer(context: string, address: string): Verdict | undefined {
    const answer = this.find(address)?.answers.find(([asked]) => asked === context);
    return answer?.[1] ?? this.#refusals?.get(refusalKey(context, address));
  }

  /** Keeps a refusal in memory only: it charged nothing, so judging it again after a crash does no harm. */
  keepRefusal(context: string, address: string, verdict: Verdict): void {
    this.#refusals ??= new Map();
    if (this.#refusals.size < refusalsMax) this.#refusals.set(refusalKey(context, address), verdict);
  }

  /** True when this cell was charged for the message as a whole, or for this recipient. */
  isBooked(key: string, address: string): boolean {
    const own = this.find(address);
    if (own?.bookings.some((booking) => booking[0] === key)) return true;
    return this.#recipients.some((recipient) => recipient.firsts.some((booking) => booking[0] === key));
  }

  /** Adds a recipient, or what another policy_context charged for a known one; returns its number. */
  add(recipient: TrackedRecipient): number {
    const known = this.#numberOf(recipient.address);
    const n = known ?? this.#recipients.length;
    this.#recipients[n] = known === undefined ? recipient : merge(this.#recipients[n] ?? recipient, recipient);
    if (this.#index !== undefined) this.#index.set(recipient.address, n);
    else if (n >= scannedMax) this.#index = new Map(this.#recipients.map(({ address }, i) => [address, i]));
    return n;
  }

  /**
   * Postfix says at END-OF-MESSAGE how many recipients it accepted, not which: of those we let pass the first ones are kept
   * (decided 2). 0 means that it did not say.
   */
  split(accepted: number): {
    readonly kept: readonly TrackedRecipient[];
    readonly dropped: readonly TrackedRecipient[];
  } {
    const end = accepted === 0 ? this.#recipients.length : accepted;
    return { kept: this.#recipients.slice(0, end), dropped: this.#recipients.slice(end) };
  }

  /** The cells of all charges. */
  bookedKeys(): readonly string[] {
    if (this.#recipients.length === 0) return [];
    return this.bookings().map(([key]) => key);
  }

  /** All charges, for giving back or for naming their cells. */
  bookings(): readonly Booking[] {
    return bookingsOf(this.#recipients);
  }

  end(ended: EndedMessage): void {
    this.#ended = ended;
    this.#recipients.length = 0;
    this.#index = undefined;
    this.#refusals = undefined;
  }

  /** When nobody will ask about it any more. */
  overdueAt(): number {
    return this.#ended === undefined ? this.openedAt + openMessageMs : this.#ended.at + endedMessageMs;
  }
}

/** All charges of some recipients. */
export function bookingsOf(recipients: readonly TrackedRecipient[]): readonly Booking[] {
  return recipients.flatMap((recipient) => [...recipient.bookings, ...recipient.firsts]);
}

function refusalKey(context: string, address: string): string {
  return `${context}\x1f${address}`;
}

function merge(known: TrackedRecipient, more: TrackedRecipient): TrackedRecipient {
  return {
    address: known.address,
    bookings: [...known.bookings, ...more.bookings],
    firsts: [...known.firsts, ...more.firsts],
    sizes: [...known.sizes, ...more.sizes],
    exempt: known.exempt || more.exempt,
    answers: [...known.answers, ...more.answers],
  };
}
