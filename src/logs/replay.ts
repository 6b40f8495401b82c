// Old logs once more, from the first line to the last, through the same consumers as new ones.

import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { type Consumer, Follow } from "./follow.ts";
import type { LogCommit } from "./pending.ts";
import { ArchiveSource, type ReplayProgress } from "./sources/archive.ts";

export interface ReplayOptions<Write> {
  /** Plain or packed, in the order in which they were written. */
  readonly paths: readonly string[];
  readonly consumers: readonly Consumer<Write>[];
  readonly commit: (commit: LogCommit<Write>) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Called about four times a second. */
  readonly onProgress?: (progress: ReplayProgress) => void;
}

const progressMs = 250;

/** Resolves when everything is read and committed. A Problem when a file cannot be read. */
export async function replayLogs<Write>(options: ReplayOptions<Write>): Promise<ReplayProgress> {
  const { paths, consumers, commit, clock, log, onProgress } = options;
  const source = new ArchiveSource({ paths }, { clock, log, places: [], claim: () => true, release: () => {} });
  const timer = setInterval(() => onProgress?.(source.progress), progressMs);
  try {
    await using follow = new Follow<Write>({ sources: [source], consumers, commit, clock, log });
    await follow.start();
    await source.ended;
    await follow.settled();
    onProgress?.(source.progress);
    return source.progress;
  } finally {
    clearInterval(timer);
  }
}
