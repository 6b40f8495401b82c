// The supervisor: takes pieces from all sources in turn, shows their lines to all consumers once, and commits what they write
// together with the places behind the lines (decided 7). While the store fails nothing is read: the file is the buffer.

import type { Clock } from "../core/clock.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { Log } from "../core/log.ts";
import type { KnownPlaces } from "./known-places.ts";
import { LineTable } from "./line-table.ts";
import { type LogCommit, Pending } from "./pending.ts";
import type { Piece, Source, SourceReport } from "./source.ts";

/** Looks at lines and says what is to be written. Its writes are plain data, committed with the place behind the lines. */
export interface Consumer<Write> {
  see(batch: LineBatch): readonly Write[];
  /** Asked about once a second, lines or none; ms since the epoch. */
  due?(now: number): readonly Write[];
}

export interface FollowOptions<Write> {
  /** Those that are there from the start; `add` brings more. */
  readonly sources: readonly Source[];
  /** Told of every place that moves, before it is on disk. */
  readonly places?: KnownPlaces;
  readonly consumers: readonly Consumer<Write>[];
  /** Writes all of it in one transaction; rejects when it could not, and is called again with the same. */
  readonly commit: (commit: LogCommit<Write>) => Promise<void>;
  /** What must not wait for company; without it nothing. */
  readonly isUrgent?: (write: Write) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** The lines are of a replay. */
  readonly isReplay?: boolean;
}

export interface FollowReport extends SourceReport {
  /** Seconds since everything that was there had been read and its effects were on disk; 0 when that is so. */
  readonly lagSeconds: number;
}

/** Writes wait this long for company, so that a trickle of lines is not a commit a line. */
const gatherMs = 20;
/** A place behind lines that changed nothing costs nothing when it is lost. */
const placeOnlyMs = 1_000;
const lookMs = 1_000;
const retryMsMin = 100;
const retryMsMax = 5_000;
/** Between two looks at timers and messages: pieces, and bytes behind which none is begun. */
const piecesPerTurn = 8;
const bytesPerTurn = 1024 * 1024;
/** At the start: small pieces are eight a turn, so this is enough for the first places of hundreds of files. */
const firstTurnsMax = 64;
const firstCommitMs = 1_000;
/** No source keeps more waiting. */
const leftBytesMax = 2 * 1024 * 1024;
/** Further behind than this, lines are no longer what is written just now. */
const liveMs = 60_000;
/** How long a stop waits for the store. */
const stopMs = 5_000;

interface Followed {
  readonly source: Source;
  /** Nothing was at hand at the last look. */
  idle: boolean;
  /** Everything that stood there at the start has been read. */
  hasBeenIdle: boolean;
  uncommitted: boolean;
  caughtUpAt: number;
}

export class Follow<Write> implements AsyncDisposable {
  readonly #options: FollowOptions<Write>;
  #followed: readonly Followed[];
  readonly #lines = new LineTable();
  #pending = new Pending<Write>();
  #committing: Promise<void> | undefined;
  #failing = false;
  #turn: NodeJS.Immediate | undefined;
  #commitTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #next = 0;
  #stopped = false;
  #stopping: Promise<void> | undefined;
  #giveUp: () => void = () => {};

  constructor(options: FollowOptions<Write>) {
    this.#options = options;
    this.#followed = options.sources.map((source) => this.#followedOf(source));
  }

  /** Starts every source; the first Problem is thrown. */
  async start(): Promise<void> {
    for (const followed of this.#followed) await this.#startSource(followed);
    this.#lookTimer = setInterval(() => this.#look(), lookMs);
    await this.placed();
  }

  /** Starts one more source and follows it beside the others; throws its Problem. */
  async add(source: Source): Promise<void> {
    const followed = this.#followedOf(source);
    await this.#startSource(followed);
    this.#followed = [...this.#followed, followed];
    this.#plan();
  }

  /** Ends a source: what it has given is written like everything else, and its places stay. */
  async remove(source: Source): Promise<void> {
    const ending = this.#followed.filter((followed) => followed.source === source);
    this.#followed = this.#followed.filter((followed) => followed.source !== source);
    this.#next = 0;
    for (const followed of ending) await this.#end(followed);
    this.#planCommit();
  }

  /** What has arrived at a source and waits there may stand nowhere else: it is seen before the end. */
  async #end(followed: Followed): Promise<void> {
    await followed.source[Symbol.asyncDispose]();
    for (let bytes = 0; bytes < leftBytesMax && !this.#failing; ) {
      const piece = followed.source.take();
      if (piece === undefined) return;
      bytes += piece.bytes.length;
      this.#see(followed, piece);
    }
  }

  #followedOf(source: Source): Followed {
    return { source, idle: false, hasBeenIdle: false, uncommitted: false, caughtUpAt: this.#options.clock.now() };
  }

  #startSource(followed: Followed): Promise<void> {
    return followed.source.start(() => {
      followed.idle = false;
      this.#plan();
    });
  }

  /**
   * Resolves when it is on disk where each source begins: a source that begins at the end, killed a moment later, would
   * otherwise begin at a later end. A store that fails then holds up the caller no longer than a second.
   */
  async placed(): Promise<void> {
    await this.#commitFirstPlaces();
    this.#plan();
  }

  async #commitFirstPlaces(): Promise<void> {
    const isAtHand = () => this.#followed.some(({ idle }) => !idle) && !this.#pending.isFull;
    for (let turn = 0; turn < firstTurnsMax && isAtHand(); turn++) this.#read();
    clearTimeout(this.#commitTimer);
    this.#commitTimer = undefined;
    if (this.#pending.isEmpty && this.#committing === undefined) return;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, firstCommitMs);
    await Promise.race([this.#committing ?? this.#commit(), late.promise]);
    clearTimeout(timer);
  }

  report(): readonly FollowReport[] {
    const now = this.#options.clock.now();
    return this.#followed.map((followed) => {
      this.#noteCaughtUp(followed, now);
      return { ...followed.source.report(), lagSeconds: Math.max(0, now - followed.caughtUpAt) / 1000 };
    });
  }

  /** True while the store takes no commits and nothing is read. */
  get isFailing(): boolean {
    return this.#failing;
  }

  /** Resolves when all that is at hand has been read and committed. */
  async settled(): Promise<void> {
    const isReading = () => this.#followed.some(({ idle }) => !idle);
    while (!this.#stopped && (isReading() || !this.#pending.isEmpty || this.#committing !== undefined)) {
      // Nothing else comes that a commit could wait for.
      if (!isReading()) this.#startCommit();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    clearImmediate(this.#turn);
    clearInterval(this.#lookTimer);
    for (const followed of this.#followed) await this.#end(followed);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, stopMs);
    await Promise.race([this.#flush(), late.promise]);
    clearTimeout(timer);
    clearTimeout(this.#commitTimer);
    this.#giveUp();
  }

  /** What could not be written by then is read again after the start. */
  async #flush(): Promise<void> {
    await this.#committing;
    if (!this.#pending.isEmpty) await this.#commit();
  }

  #look(): void {
    for (const followed of this.#followed) followed.source.look();
    if (this.#failing || this.#pending.isFull) return;
    const now = this.#options.clock.now();
    const writes = this.#options.consumers.flatMap((consumer) => consumer.due?.(now) ?? []);
    this.#urge(writes);
    this.#pending.addWrites(writes);
    this.#planCommit();
  }

  #plan(): void {
    if (this.#stopped || this.#failing || this.#pending.isFull) return;
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#read();
    });
  }

  /** One source after the other, a piece each, so that a busy one keeps none waiting. */
  #read(): void {
    let quiet = 0;
    let bytes = 0;
    const mayGoOn = () => quiet < this.#followed.length && bytes < bytesPerTurn && !this.#pending.isFull;
    for (let pieces = 0; pieces < piecesPerTurn && mayGoOn(); ) {
      const followed = this.#followed[this.#next];
      this.#next = (this.#next + 1) % this.#followed.length;
      const piece = followed === undefined || followed.idle ? undefined : followed.source.take();
      if (followed === undefined || piece === undefined) {
        if (followed !== undefined) followed.idle = followed.hasBeenIdle = true;
        quiet++;
        continue;
      }
      quiet = 0;
      pieces++;
      bytes += piece.bytes.length;
      this.#see(followed, piece);
    }
    this.#planCommit();
    if (quiet < this.#followed.length) this.#plan();
  }

  #see(followed: Followed, piece: Piece): void {
    const now = this.#options.clock.now();
    // A journal's times are exact, and what waits in it arrives only after a first look.
    const mayBeLive = followed.hasBeenIdle && followed.source.hasExactTimes !== true;
    const isLive = mayBeLive && now - followed.caughtUpAt < liveMs;
    const batch = this.#lines.batchOf(followed.source.name, piece, {
      readAt: now,
      isLive,
      isReplay: this.#options.isReplay ?? false,
    });
    const writes = this.#options.consumers.flatMap((consumer) =>
      batch.count + batch.skipped > 0 ? consumer.see(batch) : [],
    );
    if (writes.length > 0) followed.uncommitted = true;
    this.#urge(writes);
    this.#options.places?.note(piece.places);
    this.#pending.add(piece, writes);
  }

  #urge(writes: readonly Write[]): void {
    const { isUrgent } = this.#options;
    if (isUrgent !== undefined && writes.some(isUrgent)) this.#pending.mayWait = false;
  }

  #planCommit(): void {
    if (this.#pending.isEmpty || this.#committing !== undefined) return;
    if (this.#pending.isFull || !this.#pending.mayWait) {
      clearTimeout(this.#commitTimer);
      this.#commitTimer = undefined;
      this.#startCommit();
      return;
    }
    if (this.#commitTimer !== undefined && !this.#pending.becameUrgent) return;
    clearTimeout(this.#commitTimer);
    const waitMs = this.#pending.hasWrites ? gatherMs : placeOnlyMs;
    this.#pending.becameUrgent = false;
    this.#commitTimer = setTimeout(() => {
      this.#commitTimer = undefined;
      this.#startCommit();
    }, waitMs);
  }

  #startCommit(): void {
    if (this.#committing === undefined && !this.#stopped && !this.#pending.isEmpty) void this.#commit();
  }

  #commit(): Promise<void> {
    const work = this.#commitUntilWritten(this.#pending).finally(() => {
      this.#committing = undefined;
      this.#planCommit();
      this.#plan();
    });
    this.#committing = work;
    return work;
  }

  /** Tries until the store has it, or the house stops. Meanwhile a bounded piece more may be read, but not while it fails. */
  async #commitUntilWritten(pending: Pending<Write>): Promise<void> {
    this.#pending = new Pending<Write>();
    const committed = this.#followed.filter(({ uncommitted }) => uncommitted);
    for (const followed of committed) followed.uncommitted = false;
    for (let waitMs = retryMsMin; ; waitMs = Math.min(waitMs * 2, retryMsMax)) {
      try {
        await this.#options.commit(pending.content());
        if (this.#failing) this.#options.log.info("logs.going-on", {});
        this.#failing = false;
        break;
      } catch (error) {
        if (!this.#failing) this.#options.log.error("logs.not-written", { error: messageOf(error) });
        this.#failing = true;
        for (const followed of committed) followed.uncommitted = true;
        if (this.#stopped) return;
        await this.#sleep(waitMs);
      }
    }
    const now = this.#options.clock.now();
    for (const followed of committed) {
      followed.uncommitted = false;
      this.#noteCaughtUp(followed, now);
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#giveUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #noteCaughtUp(followed: Followed, now: number): void {
    if (followed.idle && !followed.uncommitted) followed.caughtUpAt = now;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
