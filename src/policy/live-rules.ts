// The rules in force: compiled from the store at start and on every change, and swapped whole into the engine.

import type { RuleSet } from "../core/rules.ts";
import type { Store } from "../store/db.ts";
import { type Freeze, readFreezes } from "../store/freezes.ts";
import { readRules } from "../store/policies.ts";
import { type CompiledRules, type CompileOptions, compileRules } from "./compiled-rules.ts";
import { readWatched, withWatched } from "./watched.ts";

export class LiveRules {
  readonly #store: Store;
  #options: CompileOptions;
  #rules: RuleSet;
  #watched: readonly string[];
  #freezes: readonly Freeze[] = [];
  #use: (rules: CompiledRules) => void = () => {};
  #reading: Promise<void> = Promise.resolve();

  private constructor(store: Store, options: CompileOptions, rules: RuleSet, watched: readonly string[]) {
    this.#store = store;
    this.#options = options;
    this.#rules = rules;
    this.#watched = watched;
  }

  static async read(store: Store, options: CompileOptions): Promise<LiveRules> {
    const live = new LiveRules(store, options, await readRules(store), await readWatched(store));
    live.#freezes = await readFreezes(store.facts);
    return live;
  }

  compile(): CompiledRules {
    return this.#compile(this.#options);
  }

  #compile(options: CompileOptions): CompiledRules {
    return compileRules(withWatched(this.#rules, this.#watched, options), options, this.#freezes);
  }

  /** Who answers by the rules. */
  onSwap(use: (rules: CompiledRules) => void): void {
    this.#use = use;
  }

  get options(): CompileOptions {
    return this.#options;
  }

  /** Swaps the settings of the configuration, after SIGHUP. */
  configure(options: CompileOptions): void {
    const compiled = this.#compile(options);
    this.#options = options;
    this.#use(compiled);
  }

  /** Reads the rules again; when it resolves, the next question is answered by them. One reading at a time, in the order of the calls. */
  async reload(): Promise<void> {
    const reading = this.#reading.then(() => this.#reload());
    this.#reading = reading.catch(() => undefined);
    return await reading;
  }

  async #reload(): Promise<void> {
    const [rules, watched] = [await readRules(this.#store), await readWatched(this.#store)];
    this.#rules = rules;
    this.#watched = watched;
    this.#freezes = await readFreezes(this.#store.facts);
    this.#use(this.compile());
  }
}
