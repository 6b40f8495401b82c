// A consumer that counts: what lines were, and how many mail events of each kind each source told. The counts of events are
// written with the place; the rest is for figures and status.

import { type MailEvent, type MailKind, mailKinds } from "../core/event.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { LogCount } from "../store/log-counts.ts";
import type { Consumer } from "./follow.ts";
import { type LineShape, LineShapes } from "./line-shapes.ts";
import { createMailReader, type LineOutcome, type MailReader } from "./mail/reader.ts";
import { UncheckedLogins } from "./unchecked-logins.ts";

/** event, mail, other and unknown as the reader says; skipped: too long. */
export type LineResult = LineOutcome | "skipped";

/** Plain data: it crosses between threads. */
export interface SourceCounts {
  readonly name: string;
  readonly lines: Readonly<Record<LineResult, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  /** When the last line was read, and the last of Postfix or Dovecot; ms since the epoch, 0 for never. */
  readonly lastLineAt: number;
  readonly lastMailAt: number;
  readonly unknownShapes: readonly LineShape[];
  readonly unknownOthers: number;
  /** Clients of the last minute whose passwords the server could not look at, since the last login. */
  readonly unchecked: number;
}

/** Streams whose times are followed; beyond it the longest silent one is begun anew, which costs it a guess of the year. */
const streamsMax = 256;
/** Samples cost a string: of a flood of unknown lines most are only counted. */
const shapesPerBatchMax = 20;

const noKinds: Readonly<Record<MailKind, number>> = {
  ...{ login: 0, auth_failure: 0, rate_limit: 0, reject: 0, queued: 0, sent: 0, bounced: 0, deferred: 0 },
};

class Counts {
  readonly lines: Record<LineResult, number> = { event: 0, mail: 0, other: 0, unknown: 0, skipped: 0 };
  readonly kinds: Record<string, number> = {};
  readonly shapes = new LineShapes();
  readonly unchecked = new UncheckedLogins();
  lastLineAt = 0;
  lastMailAt = 0;
}

export class MailCounts implements Consumer<LogCount> {
  readonly #now: () => number;
  readonly #onEvent: ((event: MailEvent, source: string) => void) | undefined;
  readonly #readers = new Map<string, MailReader>();
  readonly #sources = new Map<string, Counts>();
  readonly #onlyCounted: ReadonlySet<MailKind>;
  #oldestAt = Number.POSITIVE_INFINITY;
  /** Of the batch that is being seen. */
  #kinds: Record<MailKind, number> = { ...noKinds };

  /** `onEvent` sees every event but most of those that are `onlyCounted`; its `line` is the index in the batch. */
  constructor(
    now: () => number,
    onEvent?: (event: MailEvent, source: string) => void,
    onlyCounted: readonly MailKind[] = [],
  ) {
    this.#now = now;
    this.#onEvent = onEvent;
    this.#onlyCounted = new Set(onlyCounted);
  }

  see(batch: LineBatch): readonly LogCount[] {
    const { source, bytes, starts, ends, count } = batch;
    const counts = this.#countsOf(source);
    const reader = this.#readerOf(batch.stream, counts);
    this.#kinds = { ...noKinds };
    let shapes = 0;
    const emit = (event: MailEvent) => {
      this.#count(event.kind, event.at);
      if (event.kind === "login") counts.unchecked.loggedIn();
      this.#onEvent?.(event, source);
    };
    for (let i = 0; i < count; i++) {
      const start = starts[i] ?? 0;
      const end = ends[i] ?? 0;
      const outcome = reader.seeLine(bytes, start, end, i, emit);
      counts.lines[outcome]++;
      if (outcome === "event" || outcome === "mail") counts.lastMailAt = batch.readAt;
      else if (outcome === "unknown" && ++shapes <= shapesPerBatchMax)
        counts.shapes.see(bytes.toString("utf8", start, end));
    }
    counts.lines.skipped += batch.skipped;
    counts.lastLineAt = batch.readAt;
    const kinds = this.#kinds;
    const told = mailKinds.filter((kind) => kinds[kind] > 0);
    for (const kind of told) counts.kinds[kind] = (counts.kinds[kind] ?? 0) + kinds[kind];
    return told.map((kind) => ({ source, kind, count: kinds[kind] }));
  }

  #count(kind: MailKind, at: number): void {
    if (at < this.#oldestAt) this.#oldestAt = at;
    this.#kinds[kind]++;
  }

  /** The time of the oldest event since the last call; ms since the epoch, Infinity for none. */
  takeOldestAt(): number {
    const at = this.#oldestAt;
    this.#oldestAt = Number.POSITIVE_INFINITY;
    return at;
  }

  report(): readonly SourceCounts[] {
    return [...this.#sources].map(([name, { lines, kinds, shapes, lastLineAt, lastMailAt, unchecked }]) => ({
      name,
      lines: { ...lines },
      kinds: { ...kinds },
      lastLineAt,
      lastMailAt,
      unknownShapes: shapes.list(),
      unknownOthers: shapes.others,
      unchecked: unchecked.count(this.#now()),
    }));
  }

  #countsOf(source: string): Counts {
    const known = this.#sources.get(source);
    if (known !== undefined) return known;
    const made = new Counts();
    this.#sources.set(source, made);
    return made;
  }

  /** Moved to the end of the map at each use, so that the first is the longest silent one. */
  #readerOf(stream: string, counts: Counts): MailReader {
    const reader = this.#readers.get(stream) ?? this.#makeReader(counts);
    this.#readers.delete(stream);
    this.#readers.set(stream, reader);
    const [first] = this.#readers.keys();
    if (this.#readers.size > streamsMax && first !== undefined) this.#readers.delete(first);
    return reader;
  }

  #makeReader({ unchecked }: Counts): MailReader {
    return createMailReader({
      ...{ kinds: mailKinds, now: this.#now },
      counted: { kinds: this.#onlyCounted, count: (kind, at) => this.#count(kind, at) },
      onUnchecked: (client) => unchecked.note(client, this.#now()),
    });
  }
}
