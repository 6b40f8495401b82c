// The logs thread: reads, splits and recognises lines, so that neither a hostile line nor a flood of them delays an answer to
// Postfix. What it wants written its owner writes.

import { parentPort, workerData } from "node:worker_threads";
import { type Clock, steadyClock } from "../core/clock.ts";
import type { Log, LogLevel } from "../core/log.ts";
import type { CreateLogParts } from "../core/log-part.ts";
import type { Problem } from "../core/problem.ts";
import { Follow } from "./follow.ts";
import { FollowedSince } from "./followed-since.ts";
import { KnownPlaces } from "./known-places.ts";
import { LogParts, type LogWrite } from "./log-parts.ts";
import type { LogCommit } from "./pending.ts";
import { Replays } from "./replays.ts";
import type { SourceHost } from "./source.ts";
import { SourceSet } from "./source-set.ts";
import type { LogSettings } from "./sources/index.ts";
import { type FromLogs, isLogsWorker, type LogsReport, type ToLogs } from "./worker-words.ts";

const reportMs = 1_000;

/** Follows the logs of its owner, with the parts that `createParts` makes, until it is told to close. */
export async function runLogsWorker(createParts: CreateLogParts): Promise<void> {
  const port = parentPort;
  if (port === null || !isLogsWorker(workerData)) throw new Error("Not a logs thread");
  const send = (message: FromLogs) => port.postMessage(message);
  const clock = steadyClock();
  const log = logTo(send);
  const places = new KnownPlaces(workerData.places);
  const host = hostOf(clock, log, places);
  const parts = new LogParts(await createParts(workerData.starts, log), () => clock.now(), log);
  const owner = new Owner(send);
  const since = new FollowedSince(places, clock.now());
  const commit = async (content: LogCommit<LogWrite>) => {
    since.see(parts.takeOldestAt());
    const change = since.change();
    await owner.commit({ ...content, places: [...content.places, ...change] });
    since.written(change);
  };
  const isUrgent = ({ urgent }: LogWrite) => urgent === true;
  const follow = new Follow<LogWrite>({ sources: [], places, consumers: [parts], commit, isUrgent, clock, log });
  const sources = new SourceSet({ follow, host, log });
  const replays = new Replays({ host, places, parts, commit: (content) => owner.commit(content), since, send });
  const report = () => send({ kind: "report", report: reportOf(sources, follow, parts) });
  port.on("message", (message: ToLogs) => {
    if (message.kind === "committed") owner.committed(message.error);
    else if (message.kind === "ask") send(answer(parts, message));
    else if (message.kind === "use") void use(sources, message.settings, log).then(report);
    else if (message.kind === "replay") replays.start(message.request);
    else if (message.kind === "stop-replay") void replays.stop();
    else void close().then(() => port.close());
  });
  const timer = setInterval(report, reportMs);
  const close = async () => {
    clearInterval(timer);
    report();
    // Side by side: what sources still hold in memory must not wait for a replay.
    await Promise.all([replays.stop(), follow[Symbol.asyncDispose]()]);
    send({ kind: "closed" });
  };
  await follow.start();
  const [problem] = await use(sources, workerData.settings, log);
  if (problem === undefined || !workerData.mustStart) {
    report();
    send({ kind: "ready" });
    return;
  }
  clearInterval(timer);
  const { message, where, hint } = problem;
  send({ kind: "unusable", message, where: where ?? "", hint: hint ?? "" });
  await follow[Symbol.asyncDispose]();
  port.close();
}

function hostOf(clock: Clock, log: Log, places: KnownPlaces): SourceHost {
  const claimed = new Set<string>();
  return {
    clock,
    log,
    get places() {
      return places.list();
    },
    claim: (path) => !claimed.has(path) && claimed.add(path) !== undefined,
    release: (path) => void claimed.delete(path),
  };
}

/** A source that cannot be started is told, and the others are followed. */
async function use(sources: SourceSet, settings: readonly LogSettings[], log: Log): Promise<readonly Problem[]> {
  const problems = await sources.use(settings);
  for (const { line } of problems) log.error("logs.source-not-started", { error: line });
  return problems;
}

/** Lines that a source found too long itself never came to be counted. */
function reportOf(set: SourceSet, follow: Follow<LogWrite>, parts: LogParts): LogsReport {
  const sources = set.report();
  const skippedOf = (name: string) => sources.find((source) => source.name === name)?.skipped ?? 0;
  const counted = parts.counts().map((one) => {
    return { ...one, lines: { ...one.lines, skipped: one.lines.skipped + skippedOf(one.name) } };
  });
  return { sources, counts: counted, isFailing: follow.isFailing, parts: parts.reports() };
}

function answer(parts: LogParts, { id, part, question }: Extract<ToLogs, { kind: "ask" }>): FromLogs {
  try {
    return { kind: "answer", id, body: parts.answer(part, question), error: undefined };
  } catch (error) {
    return { kind: "answer", id, body: undefined, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Commits as calls with answers: one is under way at a time, and another waits for it. */
class Owner {
  readonly #send: (message: FromLogs) => void;
  #last: Promise<void> = Promise.resolve();
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(send: (message: FromLogs) => void) {
    this.#send = send;
  }

  commit(commit: LogCommit<LogWrite>): Promise<void> {
    const written = this.#last.catch(() => {}).then(() => this.#commit(commit));
    this.#last = written;
    return written;
  }

  #commit(commit: LogCommit<LogWrite>): Promise<void> {
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
