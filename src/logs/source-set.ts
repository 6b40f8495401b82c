// The sources as they are configured. When the configuration changes, those that are gone end, those that came begin, one that
// changed ends and begins again where it was, and the others go on without noticing.

import type { Log } from "../core/log.ts";
import { Problem } from "../core/problem.ts";
import type { Follow, FollowReport } from "./follow.ts";
import type { Source, SourceHost } from "./source.ts";
import { createSource, type LogSettings } from "./sources/index.ts";

export interface SourceSetOptions {
  readonly follow: Pick<Follow<unknown>, "add" | "remove" | "placed" | "report">;
  readonly host: SourceHost;
  readonly log: Log;
}

export class SourceSet {
  readonly #options: SourceSetOptions;
  readonly #running = new Map<string, Source>();
  /** What could not be started, with its trouble; tried again with the next configuration. */
  #unusable: readonly FollowReport[] = [];
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: SourceSetOptions) {
    this.#options = options;
  }

  /** Resolves when these sources are followed and no others; the Problem of each that cannot be. One configuration at a time. */
  use(settings: readonly LogSettings[]): Promise<readonly Problem[]> {
    const work = this.#work.then(() => this.#use(settings));
    this.#work = work;
    return work;
  }

  /** The followed ones, then those that cannot be started. */
  report(): readonly FollowReport[] {
    return [...this.#options.follow.report(), ...this.#unusable];
  }

  async #use(settings: readonly LogSettings[]): Promise<readonly Problem[]> {
    const wanted = new Map(settings.map((one) => [JSON.stringify(one), one]));
    for (const [key, source] of this.#running) if (!wanted.has(key)) await this.#end(key, source);
    const problems: Problem[] = [];
    const unusable: FollowReport[] = [];
    for (const [key, one] of wanted) {
      const running = this.#running.get(key);
      running?.renew?.();
      if (running !== undefined) continue;
      const source = createSource(one, this.#options.host);
      const problem = await this.#begin(key, source);
      if (problem === undefined) continue;
      problems.push(problem);
      unusable.push({ ...source.report(), troubles: [problem.line], lagSeconds: 0 });
    }
    this.#unusable = unusable;
    await this.#options.follow.placed();
    return problems;
  }

  async #begin(key: string, source: Source): Promise<Problem | undefined> {
    const { follow, log } = this.#options;
    try {
      await follow.add(source);
      this.#running.set(key, source);
      log.info("logs.source-added", { source: source.name });
      return undefined;
    } catch (error) {
      await source[Symbol.asyncDispose]();
      return error instanceof Problem ? error : new Problem(String(error), { code: "logs/unreadable" });
    }
  }

  async #end(key: string, source: Source): Promise<void> {
    const { follow, log } = this.#options;
    this.#running.delete(key);
    await follow.remove(source);
    log.info("logs.source-removed", { source: source.name });
  }
}
