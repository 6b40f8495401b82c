// Old logs once more, from the first line to the last, beside the logs that are followed: for what happened before anybody
// followed them. What was replayed is remembered like every place, in the commit of its effects: another replay of the same text,
// packed meanwhile or not, goes on behind it.

import { Problem } from "../core/problem.ts";
import { readLogBytes } from "./archive.ts";
import { Follow } from "./follow.ts";
import type { KnownPlaces } from "./known-places.ts";
import type { LogParts, LogWrite } from "./log-parts.ts";
import { createMailReader } from "./mail/reader.ts";
import type { LogCommit } from "./pending.ts";
import { ReplayReader } from "./replay-reader.ts";
import type { SourceHost } from "./source.ts";
import { ArchiveSource } from "./sources/archive.ts";
import { Zone } from "./zone.ts";

/** Plain data: it crosses between threads, as the state does. */
export interface ReplayRequest {
  /** Plain or packed. */
  readonly paths: readonly string[];
  /** ms since the epoch: what happened from here on; undefined: everything. */
  readonly since: number | undefined;
  /** What happened before this; undefined: before logs were followed. */
  readonly until: number | undefined;
  /** Of the first line, for stamps without one; the files are then read in the order given. */
  readonly year: number | undefined;
  readonly zone: string | undefined;
  /** Reads again what was replayed before. */
  readonly again: boolean;
  /** Counts only, and writes nothing. */
  readonly dryRun: boolean;
}

export interface ReplayState {
  readonly isRunning: boolean;
  /** The thread ended under it: the same replay goes on behind what was read. */
  readonly wasCut?: true;
  readonly dryRun: boolean;
  /** The file that is being read, and what share of all has been, 0 to 1. */
  readonly path: string;
  readonly share: number;
  readonly lines: number;
  readonly unknown: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** Events outside of the time asked for. */
  readonly earlier: number;
  readonly later: number;
  /** Bytes of text that were left out, because they were replayed or followed before. */
  readonly knownBytes: number;
  /** ms since the epoch; undefined without an event. */
  readonly firstAt: number | undefined;
  readonly lastAt: number | undefined;
  readonly until: number;
  readonly warnings: readonly string[];
  /** Why it ended before its end. */
  readonly problem: { readonly message: string; readonly where: string; readonly hint: string } | undefined;
}

/** Before its first word. */
export const noReplay: ReplayState = {
  ...{ isRunning: true, dryRun: false, path: "", share: 0, lines: 0, unknown: 0, kinds: {}, earlier: 0, later: 0 },
  ...{ knownBytes: 0, firstAt: undefined, lastAt: undefined, until: 0, warnings: [], problem: undefined },
};

export interface ReplayOptions {
  readonly host: SourceHost;
  readonly places: KnownPlaces;
  readonly parts: LogParts;
  readonly commit: (commit: LogCommit<LogWrite>) => Promise<void>;
  /** ms since the epoch. */
  readonly followedSince: number;
}

const warningsMax = 20;
/** How far the first event of a file is looked for. */
const firstBytesMax = 8 * 1024 * 1024;

export class Replay {
  readonly #request: ReplayRequest;
  readonly #options: ReplayOptions;
  readonly #until: number;
  readonly #reader: ReplayReader;
  readonly #warnings: string[] = [];
  #source: ArchiveSource | undefined;
  #isRunning = true;
  #isStopped = false;
  #problem: Problem | undefined;

  constructor(request: ReplayRequest, options: ReplayOptions) {
    const { since = Number.NEGATIVE_INFINITY, until = options.followedSince, year, dryRun } = request;
    const now = () => options.host.clock.now();
    this.#request = request;
    this.#options = options;
    this.#until = until;
    const zone = zoneOf(request);
    this.#reader = new ReplayReader({ since, until, year, zone, now, parts: dryRun ? undefined : options.parts });
  }

  /** Resolves when everything is read and on disk, or cannot be: `state` says which. */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#problem = error instanceof Problem ? error : new Problem(String(error), { code: "logs/unreadable" });
    }
    this.#isRunning = false;
  }

  /** What was read by then is written, and `run` ends. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#source?.[Symbol.asyncDispose]();
  }

  state(): ReplayState {
    const { lines, unknown, kinds, earlier, later, firstAt, lastAt } = this.#reader;
    const { path = "", share = 0, knownBytes = 0 } = this.#source?.progress ?? {};
    const problem = this.#problem;
    return {
      ...{ isRunning: this.#isRunning, dryRun: this.#request.dryRun, path, share, knownBytes, until: this.#until },
      ...{ lines, unknown, kinds, earlier, later, warnings: [...this.#warnings] },
      firstAt: Number.isFinite(firstAt) ? firstAt : undefined,
      lastAt: Number.isFinite(lastAt) ? lastAt : undefined,
      problem: problem && { message: problem.message, where: problem.where ?? "", hint: problem.hint ?? "" },
    };
  }

  async #run(): Promise<void> {
    const { dryRun, again } = this.#request;
    const { host, places, commit } = this.#options;
    const { clock, log } = host;
    const paths = await inOrder(this.#request, clock.now, () => this.#isStopped);
    const source = new ArchiveSource({ paths, again }, { ...host, places: places.list(), log: this.#hearWarnings() });
    this.#source = source;
    if (this.#isStopped) return;
    await using follow = new Follow<LogWrite>({
      ...{ sources: [source], consumers: [this.#reader], clock, log, isReplay: true },
      ...(dryRun ? { commit: async () => {} } : { places, commit }),
    });
    await follow.start();
    await source.ended;
    await follow.settled();
  }

  /** What is wrong with a file is told to whoever asked for the replay. */
  #hearWarnings(): SourceHost["log"] {
    const { log } = this.#options.host;
    const warn: SourceHost["log"]["warn"] = (event, fields) => {
      if (this.#warnings.length < warningsMax) this.#warnings.push(String(fields?.["text"] ?? event));
      log.warn(event, fields);
    };
    return { ...log, warn };
  }
}

function zoneOf({ zone }: ReplayRequest): Zone | undefined {
  return zone === undefined ? undefined : Zone.parse(zone);
}

/** Oldest first, by the first event in each: `mail.log*` names the youngest first. As given where one has none, or a year is given. */
async function inOrder(
  request: ReplayRequest,
  now: () => number,
  isStopped: () => boolean,
): Promise<readonly string[]> {
  const { paths, year } = request;
  const firsts: { readonly path: string; readonly at: number }[] = [];
  for (const path of paths) {
    if (isStopped()) return paths;
    const reader = createMailReader({ zone: zoneOf(request), now, kinds: ["login", "auth_failure", "queued", "sent"] });
    let [at, bytes] = [Number.NaN, 0];
    for await (const chunk of readLogBytes(path, () => {})) {
      reader.see(chunk, (event) => {
        if (Number.isNaN(at)) at = event.at;
      });
      bytes += chunk.length;
      if (!Number.isNaN(at) || bytes >= firstBytesMax || isStopped()) break;
    }
    firsts.push({ path, at });
  }
  if (year !== undefined || firsts.some(({ at }) => Number.isNaN(at))) return paths;
  return firsts.sort((a, b) => a.at - b.at).map(({ path }) => path);
}
