// The contract of a source: where lines come from. A source knows how to find, open and go on; what lines mean it does not
// know. It gives whole lines in pieces, each with the place behind it.

import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { PlaceChange, SavedPlace } from "../store/places.ts";

/**
 * Bytes of one piece at most: large enough that a limit of time set for all its lines (jails/filter.ts) does not count, small enough
 * that sources take turns and what was asked of the thread is answered within some milliseconds.
 */
export const pieceBytesMax = 1024 * 1024;

/** Lines that were read, and where to go on behind them. */
export interface Piece {
  /** Whole lines, each ended by LF; may be empty when only a place has moved. Valid until the next `take`. */
  readonly bytes: Buffer;
  /** What wrote the lines, in their order: a file's path, or the source's name. Times are read along a stream. */
  readonly stream: string;
  readonly places: readonly PlaceChange[];
}

export interface Source extends AsyncDisposable {
  /** As it was configured: the label of its figures. */
  readonly name: string;
  /** What it gives has the true time with it, however late it comes. */
  readonly hasExactTimes?: true;
  /** Opens what it has to; `wake` is called whenever `take` may give something. A Problem for what a person must mend. */
  start(wake: () => void): Promise<void>;
  /** The next piece, or undefined when nothing is at hand. Never waits. */
  take(): Piece | undefined;
  /** Called every second: a look at what no event tells of. */
  look(): void;
  /** Reads again what stands in files beside the logs, as certificates do; what is broken leaves the old in force. */
  renew?(): void;
  report(): SourceReport;
}

/** Plain data: it crosses between threads. */
export interface SourceReport {
  readonly name: string;
  readonly kind: SourceKind;
  /** What is read: paths with offset and size in bytes; a journal's cursor; an address with its connections. */
  readonly reading: readonly { readonly what: string; readonly at: string }[];
  /** What keeps it from reading, one sentence each. */
  readonly troubles: readonly string[];
  /** Lines too long to be read, before anybody saw them. */
  readonly skipped: number;
  /** Lines that the system or the network threw away, as far as somebody counted them. */
  readonly lost: number;
}

export type SourceKind = "file" | "journal" | "syslog" | "archive";

/** What a source needs of the house. */
export interface SourceHost {
  readonly clock: Clock;
  readonly log: Log;
  /** Every place that is remembered, of all sources. */
  readonly places: readonly SavedPlace[];
  /** True for the first that asks: one reader a file, whatever the configuration says twice. */
  claim(path: string): boolean;
  /** Lets go of what was claimed: another may take it. */
  release(path: string): void;
}

/** A source's file gives one of these. */
export interface SourcePlug<Settings> {
  readonly kind: SourceKind;
  /** One sentence. */
  readonly help: string;
  create(settings: Settings, host: SourceHost): Source;
}
