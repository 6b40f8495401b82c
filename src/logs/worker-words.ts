// What the logs thread and its owner tell each other. Everything is plain data and bounded: one commit is under way at a time.

import type { LogFields, LogLevel } from "../core/log.ts";
import type { LogCount } from "../store/log-counts.ts";
import type { SavedPlace } from "../store/places.ts";
import type { FollowReport, LogCommit } from "./follow.ts";
import type { SourceCounts } from "./mail-counts.ts";
import type { LogSettings } from "./sources/index.ts";

export interface LogsWorkerData {
  readonly role: "logs";
  readonly settings: readonly LogSettings[];
  readonly places: readonly SavedPlace[];
  /** Directory of the compile cache, where the starting thread has one. */
  readonly compileCache: string | undefined;
}

/** How reading stands; sent every second. */
export interface LogsReport {
  readonly sources: readonly FollowReport[];
  readonly counts: readonly SourceCounts[];
  /** The store takes no commits, and nothing is read. */
  readonly isFailing: boolean;
}

export type FromLogs =
  | { readonly kind: "ready" }
  /** A source cannot be started: what the person must mend. */
  | { readonly kind: "unusable"; readonly message: string; readonly where: string; readonly hint: string }
  | { readonly kind: "commit"; readonly commit: LogCommit<LogCount> }
  | { readonly kind: "report"; readonly report: LogsReport }
  | { readonly kind: "log"; readonly level: LogLevel; readonly event: string; readonly fields: LogFields }
  | { readonly kind: "closed" };

export type ToLogs =
  /** The answer to the commit that is under way; `error` undefined: it is on disk. */
  { readonly kind: "committed"; readonly error: string | undefined } | { readonly kind: "close" };
