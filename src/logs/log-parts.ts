// The one consumer of the logs thread: reads each line once for what it says, counts, and shows lines and events to every part.

import { type MailEvent, mailKinds } from "../core/event.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { Log } from "../core/log.ts";
import type { LogPart } from "../core/log-part.ts";
import type { Consumer } from "./follow.ts";
import { FailureMerge } from "./mail/failure-merge.ts";
import { MailCounts, type SourceCounts } from "./mail-counts.ts";

/** What a part wants written, by its name. */
export interface LogWrite {
  readonly part: string;
  readonly body: unknown;
  /** It must not wait for company. */
  readonly urgent?: true;
}

/** The writes of MailCounts: LogCount. */
export const countsPart = "counts";

export class LogParts implements Consumer<LogWrite> {
  readonly #parts: ReadonlyMap<string, LogPart>;
  readonly #counts: MailCounts;
  readonly #log: Log;
  readonly #merge = new FailureMerge();
  #events: MailEvent[] = [];

  constructor(parts: ReadonlyMap<string, LogPart>, now: () => number, log: Log) {
    this.#parts = parts;
    this.#log = log;
    // All kinds are counted; what no part looks at is kept no longer than that takes.
    const wanted = new Set([...parts.values()].flatMap(({ kinds = mailKinds }) => kinds));
    const onlyCounted = mailKinds.filter((kind) => !wanted.has(kind));
    const onEvent = (event: MailEvent) => {
      if (wanted.has(event.kind)) this.#events.push(event);
    };
    this.#counts = new MailCounts(now, onEvent, onlyCounted);
  }

  see(batch: LineBatch): readonly LogWrite[] {
    const writes = this.#counts.see(batch).map((body) => ({ part: countsPart, body }));
    if (this.#parts.size === 0) return writes;
    const events = this.#events;
    this.#events = [];
    this.#show(writes, batch, events);
    return writes;
  }

  /** Shows the parts events that somebody else read in these lines. */
  show(batch: LineBatch, events: readonly MailEvent[]): readonly LogWrite[] {
    const writes: LogWrite[] = [];
    if (this.#parts.size > 0) this.#show(writes, batch, events);
    return writes;
  }

  #show(writes: LogWrite[], batch: LineBatch, events: readonly MailEvent[]): void {
    const seen = { batch, events, refused: this.#refusedOf(events) };
    for (const [name, part] of this.#parts)
      collect(
        writes,
        name,
        this.#guard(name, () => part.see(seen)),
        part,
      );
  }

  #refusedOf(events: readonly MailEvent[]): readonly number[] {
    const refused: number[] = [];
    for (let i = 0; i < events.length; i++) refused.push(this.#merge.count(events[i] as MailEvent));
    return refused;
  }

  due(now: number): readonly LogWrite[] {
    const writes: LogWrite[] = [];
    for (const [name, part] of this.#parts)
      collect(
        writes,
        name,
        this.#guard(name, () => part.due(now)),
        part,
      );
    return writes;
  }

  /** The time of the oldest event since the last call; ms since the epoch, Infinity for none. */
  takeOldestAt(): number {
    return this.#counts.takeOldestAt();
  }

  counts(): readonly SourceCounts[] {
    return this.#counts.report();
  }

  /** What each part says of itself. */
  reports(): Readonly<Record<string, unknown>> {
    return Object.fromEntries([...this.#parts].map(([name, part]) => [name, part.report()]));
  }

  /** A part's answer. Throws when there is no such part, or what the part throws. */
  answer(name: string, question: unknown): unknown {
    const part = this.#parts.get(name);
    if (part === undefined) throw new Error(`no part ${name} looks at the logs`);
    return part.answer(question);
  }

  /** A part's bug costs that part this piece, loudly; the other parts and the reading go on. */
  #guard(part: string, work: () => readonly unknown[]): readonly unknown[] {
    try {
      return work();
    } catch (error) {
      this.#log.error("logs.part-failed", {
        part,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      return [];
    }
  }
}

function collect(writes: LogWrite[], name: string, bodies: readonly unknown[], part: LogPart): void {
  for (const body of bodies)
    writes.push(part.isUrgent?.(body) === true ? { part: name, body, urgent: true } : { part: name, body });
}
