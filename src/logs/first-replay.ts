// The very first start: older logs beside those that are followed are replayed once, so that no account starts unknown. It goes on
// behind what was read when it was interrupted, because a replay remembers its places, and is never begun a second time.

import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Store } from "../store/db.ts";
import { readPlaces, savePlaces } from "../store/places.ts";
import type { ReplayRequest, ReplayState } from "./replay.ts";
import type { LogSettings } from "./sources/index.ts";

export interface FirstReplayOptions {
  readonly settings: readonly LogSettings[];
  /** 0: none. */
  readonly days: number;
  readonly bytesMax: number;
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly replays: {
    replay(request: ReplayRequest): Promise<ReplayState>;
    readonly replayed: ReplayState | undefined;
  };
  /** Nothing is known of anybody. */
  readonly isCold: () => Promise<boolean>;
}

const place = { source: "first replay", key: "" } as const;
const dayMs = 86_400_000;
const filesMax = 400;
const tellMs = 10_000;

export class FirstReplay {
  readonly #options: FirstReplayOptions;
  #state: "none" | "planned" | "running" = "none";
  #since = 0;
  #toldAt = 0;

  constructor(options: FirstReplayOptions) {
    this.#options = options;
  }

  /** Before any log is read: whether this is the first start, or one that goes on with it. */
  async plan(): Promise<void> {
    const { store, node, clock, days, isCold } = this.#options;
    const places = await readPlaces(store, node);
    const body = places.find(({ source, key }) => source === place.source && key === place.key)?.body;
    if (body === "done" || days === 0) return;
    if (body === undefined && (!(await isCold()) || this.#files().length === 0)) return await this.#save("done");
    this.#since = body === undefined ? clock.now() - days * dayMs : Number(body);
    if (body === undefined) await this.#save(String(this.#since));
    this.#state = "planned";
  }

  /** Begins when logs are followed, tells how it goes, and ends. Called every few seconds. */
  async work(): Promise<void> {
    const { replays, clock } = this.#options;
    if (this.#state === "planned") return await this.#begin();
    const state = replays.replayed;
    if (this.#state !== "running" || state === undefined) return;
    if (!state.isRunning) return await this.#end(state);
    if (clock.now() - this.#toldAt < tellMs) return;
    this.#toldAt = clock.now();
    const { share, lines, path } = state;
    this.#options.log.info("logs.first-replay", { read: `${Math.floor(share * 100)}%`, lines, path });
  }

  async #begin(): Promise<void> {
    const { replays, log } = this.#options;
    const paths = this.#files();
    if (paths.length === 0) return await this.#over();
    if (replays.replayed?.isRunning === true) return;
    const none = { until: undefined, year: undefined, zone: undefined };
    await replays.replay({ paths, since: this.#since, ...none, again: false, dryRun: false });
    this.#state = "running";
    log.info("logs.first-replay-begun", { files: paths.length, since: new Date(this.#since).toISOString() });
  }

  async #end({ lines, problem, kinds, wasCut }: ReplayState): Promise<void> {
    const { log } = this.#options;
    // A thread that ended is started again, and goes on.
    if (wasCut === true) {
      this.#state = "planned";
      return;
    }
    if (problem !== undefined) log.warn("logs.first-replay-ended", { where: problem.where, error: problem.message });
    else log.info("logs.first-replay-done", { lines, logins: kinds["login"] ?? 0 });
    await this.#over();
  }

  async #over(): Promise<void> {
    this.#state = "none";
    await this.#save("done");
  }

  async #save(body: string): Promise<void> {
    const { store, node, clock } = this.#options;
    await store.facts.transaction().execute((tx) => savePlaces(tx, node, [{ ...place, body }], clock.now()));
  }

  /** The followed files and what was made of them, of the youngest as much as is allowed. */
  #files(): readonly string[] {
    const { settings, bytesMax, clock, days } = this.#options;
    const oldest = clock.now() - days * dayMs;
    const found = settings.flatMap((one) => (one.kind === "file" ? besides(one.path) : []));
    const chosen: string[] = [];
    let bytes = 0;
    for (const { path, size, changedAt } of found.sort((a, b) => b.changedAt - a.changedAt)) {
      if (changedAt < oldest || chosen.length >= filesMax) break;
      if (chosen.includes(path)) continue;
      bytes += size;
      if (bytes > bytesMax) break;
      chosen.push(path);
    }
    // Oldest first, should a replay not find it out by itself.
    return chosen.reverse();
  }
}

/** `mail.log`, `mail.log.1`, `mail.log.2.gz`, `mail.log-20260101.xz` … of one path or glob. */
function besides(pattern: string): { readonly path: string; readonly size: number; readonly changedAt: number }[] {
  const folder = dirname(pattern);
  const [name = ""] = basename(pattern).split(/[*?[{]/);
  if (name === "" || /[*?[{]/.test(folder)) return [];
  try {
    return readdirSync(folder).flatMap((file) => {
      if (!file.startsWith(name) || !/^$|^[.-]/.test(file.slice(name.length))) return [];
      const path = join(folder, file);
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats?.isFile() === true && stats.size > 0 ? [{ path, size: stats.size, changedAt: stats.mtimeMs }] : [];
    });
  } catch {
    // Whoever follows the file says what is wrong with its folder.
    return [];
  }
}
