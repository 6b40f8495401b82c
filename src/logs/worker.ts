// The logs thread: reads, splits and recognises lines, so that neither a hostile line nor a flood of them delays an answer to
// Postfix. What it wants written its owner writes.

import { parentPort, workerData } from "node:worker_threads";
import { steadyClock } from "../core/clock.ts";
import type { Log, LogLevel } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import type { LogCount } from "../store/log-counts.ts";
import { Follow, type LogCommit } from "./follow.ts";
import { MailCounts } from "./mail-counts.ts";
import type { SourceHost } from "./source.ts";
import { createSource } from "./sources/index.ts";
import type { FromLogs, LogsReport, LogsWorkerData, ToLogs } from "./worker-words.ts";

const reportMs = 1_000;

/** True in a thread that must call runLogsWorker. */
export function isLogsWorker(data: unknown): data is LogsWorkerData {
  return typeof data === "object" && data !== null && "role" in data && data.role === "logs";
}

/** Follows the logs of its owner until it is told to close. */
export async function runLogsWorker(): Promise<void> {
  const port = parentPort;
  if (port === null || !isLogsWorker(workerData)) throw new Error("Not a logs thread");
  const send = (message: FromLogs) => port.postMessage(message);
  const clock = steadyClock();
  const log = logTo(send);
  const claimed = new Set<string>();
  const host: SourceHost = {
    clock,
    log,
    places: workerData.places,
    claim: (path) => !claimed.has(path) && claimed.add(path) !== undefined,
  };
  const counts = new MailCounts(() => clock.now());
  const owner = new Owner(send);
  const sources = workerData.settings.map((settings) => createSource(settings, host));
  const commit = (content: LogCommit<LogCount>) => owner.commit(content);
  const follow = new Follow<LogCount>({ sources, consumers: [counts], commit, clock, log });
  const report = () => send({ kind: "report", report: reportOf(follow, counts) });
  port.on("message", (message: ToLogs) => {
    if (message.kind === "committed") owner.committed(message.error);
    else void close(follow, report, timer, send).then(() => port.close());
  });
  const timer = setInterval(report, reportMs);
  try {
    await follow.start();
    report();
    send({ kind: "ready" });
  } catch (error) {
    clearInterval(timer);
    const { message, where, hint } =
      error instanceof Problem ? error : new Problem(String(error), { code: "logs/unreadable" });
    send({ kind: "unusable", message, where: where ?? "", hint: hint ?? "" });
    await follow[Symbol.asyncDispose]();
    port.close();
  }
}

/** Lines that a source found too long itself never came to be counted. */
function reportOf(follow: Follow<LogCount>, counts: MailCounts): LogsReport {
  const sources = follow.report();
  const skippedOf = (name: string) => sources.find((source) => source.name === name)?.skipped ?? 0;
  const counted = counts.report().map((one) => {
    return { ...one, lines: { ...one.lines, skipped: one.lines.skipped + skippedOf(one.name) } };
  });
  return { sources, counts: counted, isFailing: follow.isFailing };
}

async function close(
  follow: Follow<LogCount>,
  report: () => void,
  timer: NodeJS.Timeout,
  send: (message: FromLogs) => void,
): Promise<void> {
  clearInterval(timer);
  report();
  await follow[Symbol.asyncDispose]();
  send({ kind: "closed" });
}

/** Commits, one at a time, as calls with answers. */
class Owner {
  readonly #send: (message: FromLogs) => void;
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(send: (message: FromLogs) => void) {
    this.#send = send;
  }

  commit(commit: LogCommit<LogCount>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#send({ kind: "commit", commit });
    });
  }

  committed(error: string | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(new Error(error));
  }
}

function logTo(send: (message: FromLogs) => void): Log {
  const at =
    (level: LogLevel): Log[LogLevel] =>
    (event, fields = {}) =>
      send({ kind: "log", level, event, fields });
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}
