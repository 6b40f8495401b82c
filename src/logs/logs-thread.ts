// The owner of the logs thread: starts it with the places that are remembered, writes what it wants written, keeps its last
// report, and starts it again when it ends.

import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import type { Store } from "../store/db.ts";
import { addLogCounts, type LogCount } from "../store/log-counts.ts";
import { readPlaces, savePlaces } from "../store/places.ts";
import type { LogCommit } from "./follow.ts";
import type { LogSettings } from "./sources/index.ts";
import type { FromLogs, LogsReport, LogsWorkerData, ToLogs } from "./worker-words.ts";

export interface LogsThreadOptions {
  readonly settings: readonly LogSettings[];
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The file that the thread starts from; undefined in a checkout. */
  readonly workerEntry?: URL | undefined;
}

const restartMsMin = 1_000;
const restartMsMax = 60_000;
const closeMs = 6_000;
/** Lines die young; V8's own choice would keep tens of megabytes of them. */
const maxYoungGenerationSizeMb = 8;

export interface LogsState extends LogsReport {
  /** When the thread said this, ms since the epoch; 0 before the first word. */
  readonly at: number;
  readonly restarts: number;
}

export class LogsThread implements AsyncDisposable {
  readonly #options: LogsThreadOptions;
  #worker: Worker | undefined;
  #report: LogsReport = { sources: [], counts: [], isFailing: false };
  #reportedAt = 0;
  #restarts = 0;
  #restartMs = restartMsMin;
  #restart: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: LogsThreadOptions) {
    this.#options = options;
  }

  /** Resolves when every source is open. Throws a Problem when one cannot be. */
  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    await this.#spawn({ ready: resolve, unusable: reject });
    await promise;
  }

  get state(): LogsState {
    return { ...this.#report, at: this.#reportedAt, restarts: this.#restarts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#restart);
    this.#closing = Promise.withResolvers<void>();
    const timer = setTimeout(this.#closing.resolve, closeMs);
    if (this.#worker === undefined) this.#closing.resolve();
    else this.#tell({ kind: "close" });
    await this.#closing.promise;
    clearTimeout(timer);
    await this.#writing;
    await this.#worker?.terminate();
  }

  async #spawn(start: { readonly ready: () => void; readonly unusable: (error: Error) => void }): Promise<void> {
    const { settings, store, node, workerEntry } = this.#options;
    const places = await readPlaces(store, node);
    const data: LogsWorkerData = { role: "logs", settings, places, compileCache: getCompileCacheDir() };
    const worker = new Worker(workerEntry ?? new URL("./worker-main.ts", import.meta.url), {
      workerData: data,
      name: "logs",
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb },
    });
    this.#worker = worker;
    worker.on("message", (message: FromLogs) => this.#hear(message, start));
    worker.on("error", (error) => {
      this.#options.log.error("logs.thread-failed", { error: error instanceof Error ? error.message : String(error) });
      start.unusable(error instanceof Error ? error : new Error(String(error)));
    });
    worker.on("exit", () => this.#ended(worker));
  }

  #tell(message: ToLogs): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: FromLogs, start: { readonly ready: () => void; readonly unusable: (error: Error) => void }): void {
    switch (message.kind) {
      case "ready":
        this.#restartMs = restartMsMin;
        return start.ready();
      case "unusable": {
        const { where, hint } = message;
        return start.unusable(new Problem(message.message, { code: "logs/source", where, hint }));
      }
      case "commit":
        this.#writing = this.#write(message.commit);
        return;
      case "report":
        this.#report = message.report;
        this.#reportedAt = this.#options.clock.now();
        return;
      case "log":
        return this.#options.log[message.level](message.event, message.fields);
      case "closed":
        return this.#closing?.resolve();
      default:
        return message satisfies never;
    }
  }

  /** Places and counts in one transaction, then the answer: until then the thread holds the next one back. */
  async #write(commit: LogCommit<LogCount>): Promise<void> {
    const { store, node, clock } = this.#options;
    let error: string | undefined;
    try {
      await store.facts.transaction().execute(async (tx) => {
        await savePlaces(tx, node, commit.places, clock.now());
        await addLogCounts(tx, node, commit.writes);
      });
    } catch (failure) {
      error = failure instanceof Error ? failure.message : String(failure);
    }
    this.#tell({ kind: "committed", error });
  }

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    if (this.#closing !== undefined) return this.#closing.resolve();
    this.#options.log.error("logs.thread-ended", { again_ms: this.#restartMs });
    this.#restart = setTimeout(() => this.#again(), this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, restartMsMax);
  }

  /** Goes on from the places on disk: what was read and not written is read again. */
  async #again(): Promise<void> {
    this.#restarts++;
    // What the thread before it sent last is on disk before places are read.
    await this.#writing;
    const unusable = (error: Error) => this.#options.log.error("logs.not-started", { error: error.message });
    try {
      await this.#spawn({ ready: () => {}, unusable });
    } catch (error) {
      unusable(error instanceof Error ? error : new Error(String(error)));
      this.#restart = setTimeout(() => this.#again(), this.#restartMs);
    }
  }
}
