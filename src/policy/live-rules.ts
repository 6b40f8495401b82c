// The rules in force: compiled from the store at start and on every change, and swapped whole into the engine.

import type { RuleSet } from "../core/rules.ts";
import type { Store } from "../store/db.ts";
import { type Freeze, readFreezes } from "../store/freezes.ts";
import { readRules } from "../store/policies.ts";
import { type CompiledRules, type CompileOptions, compileRules } from "./compiled-rules.ts";
import { readWatched, withWatched } from "./watched.ts";

/** What rules are compiled from; taken over whole. */
interface Facts {
  readonly rules: RuleSet;
  readonly watched: readonly string[];
  readonly freezes: readonly Freeze[];
}

async function readFacts(store: Store): Promise<Facts> {
  return { rules: await readRules(store), watched: await readWatched(store), freezes: await readFreezes(store.facts) };
}

export class LiveRules {
  readonly #store: Store;
  #options: CompileOptions;
  #facts: Facts;
  #use: (rules: CompiledRules) => void = () => {};
  #reading: Promise<void> = Promise.resolve();

  private constructor(store: Store, options: CompileOptions, facts: Facts) {
    this.#store = store;
    this.#options = options;
    this.#facts = facts;
  }

  static async read(store: Store, options: CompileOptions): Promise<LiveRules> {
    return new LiveRules(store, options, await readFacts(store));
  }

  compile(): CompiledRules {
    return this.#compile(this.#options);
  }

  #compile(options: CompileOptions): CompiledRules {
    const { rules, watched, freezes } = this.#facts;
    return compileRules(withWatched(rules, watched, options), options, freezes);
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
    this.#facts = await readFacts(this.#store);
    this.#use(this.compile());
  }
}
