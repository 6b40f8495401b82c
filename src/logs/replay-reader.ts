// What a replay makes of lines: the mail events between two moments, counted, and shown to the parts as knowledge.

import { type MailEvent, mailKinds } from "../core/event.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { LogCount } from "../store/log-counts.ts";
import type { Consumer } from "./follow.ts";
import { countsPart, type LogParts, type LogWrite } from "./log-parts.ts";
import { createMailReader, type MailReader } from "./mail/reader.ts";
import type { Zone } from "./zone.ts";

export interface ReplayReaderOptions {
  /** ms since the epoch: events from here on. */
  readonly since: number;
  /** Events before this. */
  readonly until: number;
  readonly year: number | undefined;
  readonly zone: Zone | undefined;
  readonly now: () => number;
  /** Undefined: only looked at, and nothing is written. */
  readonly parts: LogParts | undefined;
}

/** The source that its counts stand under in the store. */
const source = "replay";

export class ReplayReader implements Consumer<LogWrite> {
  readonly #options: ReplayReaderOptions;
  readonly #reader: MailReader;
  readonly #kinds: Record<string, number> = {};
  lines = 0;
  /** Lines too long to be read, or of no form that we know. */
  unknown = 0;
  /** Events before and behind the two moments. */
  earlier = 0;
  later = 0;
  /** Of the events that were taken; ms since the epoch. */
  firstAt = Number.POSITIVE_INFINITY;
  lastAt = Number.NEGATIVE_INFINITY;

  constructor(options: ReplayReaderOptions) {
    const { year, zone, now } = options;
    this.#options = options;
    this.#reader = createMailReader({ year, zone, now, kinds: mailKinds });
  }

  /** Events that were taken, by kind. */
  get kinds(): Readonly<Record<string, number>> {
    return { ...this.#kinds };
  }

  see(batch: LineBatch): readonly LogWrite[] {
    const events = this.#read(batch);
    const { parts } = this.#options;
    if (parts === undefined) return [];
    return [...countsOf(events), ...parts.show(batch, events)];
  }

  #read({ bytes, starts, ends, count, skipped }: LineBatch): readonly MailEvent[] {
    const { since, until } = this.#options;
    const events: MailEvent[] = [];
    const emit = (event: MailEvent) => {
      if (event.at < since) this.earlier++;
      else if (event.at >= until) this.later++;
      else events.push(event);
    };
    for (let i = 0; i < count; i++)
      if (this.#reader.seeLine(bytes, starts[i] ?? 0, ends[i] ?? 0, i, emit) === "unknown") this.unknown++;
    this.lines += count + skipped;
    this.unknown += skipped;
    for (const event of events) this.#note(event);
    return events;
  }

  #note({ kind, at }: MailEvent): void {
    this.#kinds[kind] = (this.#kinds[kind] ?? 0) + 1;
    this.firstAt = Math.min(this.firstAt, at);
    this.lastAt = Math.max(this.lastAt, at);
  }
}

function countsOf(events: readonly MailEvent[]): readonly LogWrite[] {
  const kinds = new Map<string, number>();
  for (const { kind } of events) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return [...kinds].map(([kind, count]) => ({
    part: countsPart,
    body: { source, kind, count } satisfies LogCount,
  }));
}
