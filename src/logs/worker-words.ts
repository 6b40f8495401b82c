// What the logs thread and its owner tell each other. Everything is plain data and bounded: one commit is under way at a time.

import type { LogFields, LogLevel } from "../core/log.ts";
import type { SavedPlace } from "../store/places.ts";
import type { FollowReport } from "./follow.ts";
import type { LogWrite } from "./log-parts.ts";
import type { SourceCounts } from "./mail-counts.ts";
import type { LogCommit } from "./pending.ts";
import type { ReplayRequest, ReplayState } from "./replay.ts";
import type { LogSettings } from "./sources/index.ts";

export interface LogsWorkerData {
  readonly role: "logs";
  readonly settings: readonly LogSettings[];
  /** A source that cannot be started ends the start; otherwise the others are followed without it. */
  readonly mustStart: boolean;
  readonly places: readonly SavedPlace[];
  /** What each part starts from, by its name. */
  readonly starts: Readonly<Record<string, unknown>>;
  /** Directory of the compile cache, where the starting thread has one. */
  readonly compileCache: string | undefined;
}

/** True in a thread that must run as the logs thread. */
export function isLogsWorker(data: unknown): data is LogsWorkerData {
  return typeof data === "object" && data !== null && "role" in data && data.role === "logs";
}

/** How reading stands; sent every second. */
export interface LogsReport {
  readonly sources: readonly FollowReport[];
  readonly counts: readonly SourceCounts[];
  /** The store takes no commits, and nothing is read. */
  readonly isFailing: boolean;
  /** What each part says of itself, by its name. */
  readonly parts: Readonly<Record<string, unknown>>;
}

export type FromLogs =
  | { readonly kind: "ready" }
  /** A source cannot be started: what the person must mend. */
  | { readonly kind: "unusable"; readonly message: string; readonly where: string; readonly hint: string }
  | { readonly kind: "commit"; readonly commit: LogCommit<LogWrite> }
  | { readonly kind: "report"; readonly report: LogsReport }
  | { readonly kind: "log"; readonly level: LogLevel; readonly event: string; readonly fields: LogFields }
  /** The answer to the question `id`; `error` undefined: `body` is it. */
  | { readonly kind: "answer"; readonly id: number; readonly body: unknown; readonly error: string | undefined }
  | { readonly kind: "replay"; readonly state: ReplayState }
  | { readonly kind: "closed" };

export type ToLogs =
  /** The answer to the commit that is under way; `error` undefined: it is on disk. */
  | { readonly kind: "committed"; readonly error: string | undefined }
  | { readonly kind: "ask"; readonly id: number; readonly part: string; readonly question: unknown }
  /** Follow these sources, and no others. */
  | { readonly kind: "use"; readonly settings: readonly LogSettings[] }
  | { readonly kind: "replay"; readonly request: ReplayRequest }
  | { readonly kind: "stop-replay" }
  | { readonly kind: "close" };
