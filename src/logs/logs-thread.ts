// The owner of the logs thread: starts it with the places that are remembered, writes what it wants written, keeps its last
// report, and starts it again when it ends.

import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import type { Transaction } from "kysely";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { LogPartOwner } from "../core/log-part.ts";
import { Problem } from "../core/problem.ts";
import type { Store } from "../store/db.ts";
import { addLogCounts, type LogCount } from "../store/log-counts.ts";
import { readPlaces, savePlaces } from "../store/places.ts";
import type { Tables } from "../store/tables.ts";
import { countsPart, type LogWrite } from "./log-parts.ts";
import type { LogCommit } from "./pending.ts";
import { noReplay, type ReplayRequest, type ReplayState } from "./replay.ts";
import type { LogSettings } from "./sources/index.ts";
import type { FromLogs, LogsReport, LogsWorkerData, ToLogs } from "./worker-words.ts";

export interface LogsThreadOptions {
  readonly settings: readonly LogSettings[];
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The file that the thread starts from: it calls runLogsWorker. */
  readonly workerEntry: URL;
  /** The parts that look at the lines beside the counts; each has its other half in the thread. */
  readonly parts: readonly LogPartOwner<Transaction<Tables>>[];
}

const restartMsMin = 1_000;
const restartMsMax = 60_000;
const closeMs = 6_000;
const answerMs = 5_000;
const questionsMax = 1_000;
/** Events of a piece are alive until it was shown: with less room they are copied again and again, a fifth of all the work. */
const maxYoungGenerationSizeMb = 24;

export interface LogsState extends LogsReport {
  /** When the thread said this, ms since the epoch; 0 before the first word. */
  readonly at: number;
  readonly restarts: number;
}

/** Told how a start went. */
interface StartHearer {
  readonly ready: () => void;
  readonly unusable: (error: Error) => void;
}

export class LogsThread implements AsyncDisposable {
  readonly #options: LogsThreadOptions;
  #settings: readonly LogSettings[];
  #worker: Worker | undefined;
  #replayed: ReplayState | undefined;
  #report: LogsReport = { sources: [], counts: [], isFailing: false, parts: {} };
  readonly #questions = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;
  #reportedAt = 0;
  #restarts = 0;
  #restartMs = restartMsMin;
  #restart: NodeJS.Timeout | undefined;
  #isRunning = false;
  #starting: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: LogsThreadOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  /** Resolves when every source is open. Throws a Problem when one cannot be. Without sources there is no thread. */
  async start(): Promise<void> {
    if (this.#settings.length === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    await this.#spawn(true, { ready: resolve, unusable: reject });
    await promise;
  }

  /** Follows these sources from here on, and those that stay read their certificates again; what cannot be opened is a trouble in `state`, and the log says it. */
  use(settings: readonly LogSettings[]): void {
    const isFirst = this.#settings.length === 0 && this.#worker === undefined;
    this.#settings = settings;
    if (!isFirst) this.#tell({ kind: "use", settings });
    else if (settings.length > 0) void this.#startAgain();
  }

  /** Replays old logs beside those that are followed; `replayed` tells how it goes. A Problem while another one runs. */
  async replay(request: ReplayRequest): Promise<ReplayState> {
    if (this.#replayed?.isRunning === true)
      throw new Problem("old logs are being replayed already", {
        code: "logs/replaying",
        hint: "wait for its end, or stop it: postvarta log replay --stop",
      });
    const begun = { ...noReplay, dryRun: request.dryRun };
    this.#replayed = begun;
    if (this.#worker === undefined) await this.#startAgain();
    if (this.#worker === undefined) {
      this.#replayed = undefined;
      throw new Problem("the thread that reads logs cannot be started", {
        code: "logs/source",
        hint: "its log says why",
      });
    }
    this.#tell({ kind: "replay", request });
    return begun;
  }

  /** What was read is kept; the same replay goes on behind it. */
  stopReplay(): void {
    this.#tell({ kind: "stop-replay" });
  }

  /** How the last replay stands; undefined when there was none since the start. */
  get replayed(): ReplayState | undefined {
    return this.#replayed;
  }

  /** The thread is there and answers. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isConfigured(): boolean {
    return this.#settings.length > 0;
  }

  get state(): LogsState {
    return { ...this.#report, at: this.#reportedAt, restarts: this.#restarts };
  }

  /** Asks a part, or tells it of a change: resolves when it has taken it. Rejects when the thread is not there or silent for 5 s. */
  async ask(part: string, question: unknown): Promise<unknown> {
    const worker = this.#worker;
    if (worker === undefined) throw new Error("the logs thread is not running");
    if (this.#questions.size >= questionsMax) throw new Error("the logs thread has too many questions to answer");
    const id = ++this.#asked;
    const waiting = Promise.withResolvers<unknown>();
    this.#questions.set(id, waiting);
    const timer = setTimeout(() => waiting.reject(new Error("the logs thread does not answer")), answerMs);
    this.#tell({ kind: "ask", id, part, question });
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#questions.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = Promise.withResolvers<void>();
    // A thread that is being started is there first, and is then closed like any other.
    await this.#starting;
    clearTimeout(this.#restart);
    const timer = setTimeout(this.#closing.resolve, closeMs);
    if (this.#worker === undefined) this.#closing.resolve();
    else this.#tell({ kind: "close" });
    await this.#closing.promise;
    clearTimeout(timer);
    await this.#writing;
    await this.#worker?.terminate();
  }

  async #spawn(mustStart: boolean, start: StartHearer): Promise<void> {
    const { store, node, workerEntry, parts } = this.#options;
    const places = await readPlaces(store, node);
    const starts = Object.fromEntries(await Promise.all(parts.map(async (part) => [part.name, await part.start()])));
    const compileCache = getCompileCacheDir();
    const data: LogsWorkerData = { role: "logs", settings: this.#settings, mustStart, places, starts, compileCache };
    const worker = new Worker(workerEntry, {
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

  #hear(message: FromLogs, start: StartHearer): void {
    switch (message.kind) {
      case "ready":
        this.#restartMs = restartMsMin;
        this.#isRunning = true;
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
      case "answer": {
        const waiting = this.#questions.get(message.id);
        return message.error === undefined ? waiting?.resolve(message.body) : waiting?.reject(new Error(message.error));
      }
      case "replay":
        this.#replayed = message.state;
        return;
      case "closed":
        return this.#closing?.resolve();
      default:
        return message satisfies never;
    }
  }

  /** Places and all that came of the lines in one transaction, then the answer: until then the thread holds the next one back. */
  async #write(commit: LogCommit<LogWrite>): Promise<void> {
    const { store, node, clock, parts } = this.#options;
    const bodies = bodiesByPart(commit.writes);
    const ofParts = parts.flatMap((part) => {
      const own = bodies.get(part.name);
      return own === undefined ? [] : [[part, own] as const];
    });
    let error: string | undefined;
    try {
      await store.facts.transaction().execute(async (tx) => {
        await savePlaces(tx, node, commit.places, clock.now());
        await addLogCounts(tx, node, (bodies.get(countsPart) ?? []) as readonly LogCount[]);
        for (const [part, own] of ofParts) await part.write(tx, own);
      });
    } catch (failure) {
      error = failure instanceof Error ? failure.message : String(failure);
    }
    this.#tell({ kind: "committed", error });
    if (error === undefined) for (const [part, own] of ofParts) part.written(own);
  }

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#isRunning = false;
    if (this.#replayed?.isRunning === true) {
      const problem = {
        message: "the thread that reads logs ended",
        where: "",
        hint: "the same replay goes on behind what was read",
      };
      this.#replayed = { ...this.#replayed, isRunning: false, wasCut: true, problem };
    }
    for (const waiting of this.#questions.values()) waiting.reject(new Error("the logs thread ended"));
    if (this.#closing !== undefined) return this.#closing.resolve();
    this.#options.log.error("logs.thread-ended", { again_ms: this.#restartMs });
    this.#restart = setTimeout(() => this.#again(), this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, restartMsMax);
  }

  /** Goes on from the places on disk: what was read and not written is read again. */
  async #again(): Promise<void> {
    this.#restarts++;
    await this.#startAgain();
  }

  #startAgain(): Promise<void> {
    this.#starting ??= this.#startOnce().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #startOnce(): Promise<void> {
    clearTimeout(this.#restart);
    // What the thread before it sent last is on disk before places are read.
    await this.#writing;
    if (this.#closing !== undefined) return;
    const unusable = (error: Error) => this.#options.log.error("logs.not-started", { error: error.message });
    try {
      await this.#spawn(false, { ready: () => {}, unusable });
    } catch (error) {
      unusable(error instanceof Error ? error : new Error(String(error)));
      if (this.#closing === undefined) this.#restart = setTimeout(() => this.#again(), this.#restartMs);
    }
  }
}

function bodiesByPart(writes: readonly LogWrite[]): ReadonlyMap<string, readonly unknown[]> {
  const bodies = new Map<string, unknown[]>();
  for (const { part, body } of writes) {
    const known = bodies.get(part);
    if (known === undefined) bodies.set(part, [body]);
    else known.push(body);
  }
  return bodies;
}
