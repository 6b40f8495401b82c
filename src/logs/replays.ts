// The replay of the logs thread: one at a time, beside the logs that are followed; its owner hears how it goes.

import type { FollowedSince } from "./followed-since.ts";
import { Replay, type ReplayOptions, type ReplayRequest } from "./replay.ts";
import type { FromLogs } from "./worker-words.ts";

const tellMs = 250;

export interface ReplaysOptions extends Omit<ReplayOptions, "followedSince"> {
  readonly since: FollowedSince;
  readonly send: (message: FromLogs) => void;
}

export class Replays {
  readonly #options: ReplaysOptions;
  #running: { readonly replay: Replay; readonly ended: Promise<void> } | undefined;

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  /** The owner starts another one when this one has ended. */
  start(request: ReplayRequest): void {
    if (this.#running !== undefined) return;
    const { since, ...options } = this.#options;
    // What is followed at this moment was begun with a place that the next commit brings to disk.
    const replay = new Replay(request, { ...options, followedSince: since.at });
    this.#running = { replay, ended: this.#run(replay) };
  }

  /** Resolves when what was read is written and nothing more is. */
  async stop(): Promise<void> {
    await this.#running?.replay.stop();
    await this.#running?.ended;
  }

  async #run(replay: Replay): Promise<void> {
    const tell = () => this.#options.send({ kind: "replay", state: replay.state() });
    const timer = setInterval(tell, tellMs);
    await replay.run();
    clearInterval(timer);
    this.#running = undefined;
    tell();
  }
}
