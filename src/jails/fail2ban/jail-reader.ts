// `jail.conf` and what belongs to it → the jails that are enabled, each with its filter and actions. A jail that cannot run is told
// and left out; the others run.

import { Problem } from "../../core/problem.ts";
import { type JailAction, readAction } from "./action-reader.ts";
import { readConfigFiles, type SeeFile } from "./config-files.ts";
import { FilterEngine } from "./filter-engine.ts";
import {
  type FilterDefinition,
  type FilterRequest,
  parseJournalMatch,
  parseMaxlines,
  readFilter,
  readFilterFiles,
} from "./filter-reader.ts";
import type { ConfigTree, Options } from "./interpolation.ts";
import { type JailOptions, jailOptionNames, readJailOptions } from "./jail-options.ts";
import { type NamedWithParameters, parseNamed } from "./parameters.ts";

export interface JailDefinition extends JailOptions {
  readonly filter: FilterDefinition;
  readonly actions: readonly JailAction[];
  /** What runs otherwise than it is written, or was left out. */
  readonly warnings: readonly Problem[];
}

export interface JailsRead {
  readonly jails: readonly JailDefinition[];
  /** Why the others do not run. */
  readonly problems: readonly Problem[];
}

/** Jails in one configuration beyond this are no work of a person. */
const jailsMax = 1000;

export interface JailsReading {
  /** Every jail is taken for enabled. */
  readonly all?: boolean;
  readonly sees?: SeeFile | undefined;
}

/** The enabled jails of a configuration. A Problem when `jail.conf` itself cannot be read. */
export function readJails(directory: string, options: JailsReading = {}): JailsRead {
  const tree = readConfigFiles(directory, "jail", options.sees);
  tree.addDefaults({ fail2ban_version: imitatedVersion, fail2ban_confpath: directory });
  const jails: JailDefinition[] = [];
  const problems: Problem[] = [];
  for (const name of tree.sections.slice(0, jailsMax)) {
    try {
      if (options.all || isTrue(tree.find(name, "enabled")))
        jails.push(new JailReader(tree, { directory, sees: options.sees }, name).read());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  return { jails, problems };
}

/** The version of Fail2ban whose language this is; files may name it. */
export const imitatedVersion = "1.1.2";

function isTrue(text: string | undefined): boolean {
  return /^(?:1|on|true|yes)$/i.test(text ?? "");
}

/** Options of a filter that a jail may give itself. */
const ofFilter = [
  "usedns",
  "prefregex",
  "ignoreregex",
  "failregex",
  "maxlines",
  "datepattern",
  "journalmatch",
] as const;

class JailReader {
  readonly #tree: ConfigTree;
  readonly #directory: string;
  readonly #sees: SeeFile | undefined;
  readonly #name: string;
  readonly #warnings: Problem[] = [];

  constructor(
    tree: ConfigTree,
    place: { readonly directory: string; readonly sees: SeeFile | undefined },
    name: string,
  ) {
    this.#tree = tree;
    this.#directory = place.directory;
    this.#sees = place.sees;
    this.#name = name;
  }

  read(): JailDefinition {
    const first = this.#find(["enabled", "backend", "filter"]);
    const backend = first.get("backend") ?? "auto";
    const filterPlace = { ...this.#filterRequest(), backend };
    const files = readFilterFiles(filterPlace);
    const known = readFilter({ ...filterPlace, jail: first }, files);
    this.#tree.addKnown(this.#name, known.options);
    const options = this.#find([...jailOptionNames, ...ofFilter]);
    const filter = this.#withOwn(readFilter({ ...filterPlace, jail: options }, files), options, filterPlace.parameters);
    const settings = readJailOptions(this.#name, {
      find: (option) => options.get(option) ?? undefined,
      where: (option) => this.#where(option),
    });
    // What cannot be compiled is found here, not when the first line comes.
    new FilterEngine(filter, { now: Date.now });
    const actions = this.#actions(options);
    const warnings = [...this.#warnings, ...actions.flatMap((action) => action.warnings)];
    return { ...settings, filter, actions, warnings };
  }

  #where(option: string): string {
    return this.#tree.where(this.#name, option) ?? `${this.#directory}/jail.conf [${this.#name}]`;
  }

  #find(names: readonly string[]): Map<string, string> {
    const found = new Map<string, string>();
    for (const name of names) {
      const value = this.#tree.find(this.#name, name);
      if (value !== undefined) found.set(name, value);
    }
    return found;
  }

  #filterRequest(): FilterRequest {
    const where = this.#where("filter");
    const [named, ...more] = parseNamed(this.#tree.find(this.#name, "filter") ?? this.#name, where);
    if (named === undefined || more.length > 0) {
      throw new Problem(`the jail ${this.#name} names no single filter`, { code: "jails/bad-value", where });
    }
    return { directory: this.#directory, name: named.name, parameters: named.parameters, sees: this.#sees };
  }

  /** What the jail says itself goes over the filter's; what it says to the filter in brackets goes over both. */
  #withOwn(filter: FilterDefinition, jail: Options, parameters: Options): FilterDefinition {
    const own = (option: (typeof ofFilter)[number]) => (parameters.has(option) ? undefined : jail.get(option));
    const lines = (option: (typeof ofFilter)[number]) =>
      own(option)
        ?.split("\n")
        .filter((line) => line !== "");
    const names = this.#tree.names(this.#name);
    return {
      ...filter,
      prefregex: own("prefregex") ?? filter.prefregex,
      failregex: lines("failregex") ?? filter.failregex,
      ignoreregex: lines("ignoreregex") ?? filter.ignoreregex,
      datepattern: lines("datepattern") ?? filter.datepattern,
      journalmatch: own("journalmatch") === undefined ? filter.journalmatch : parseJournalMatch(own("journalmatch")),
      usedns: own("usedns") ?? filter.usedns,
      maxlines: parseMaxlines(own("maxlines"), this.#where("maxlines")) ?? filter.maxlines,
      where: (option) => (names.includes(option) ? this.#where(option) : filter.where(option)),
    };
  }

  #actions(jail: Options): readonly JailAction[] {
    const where = this.#where("action");
    const named = parseNamed(jail.get("action") ?? "", where);
    const place = { directory: this.#directory, jail: this.#name, options: jail, where, sees: this.#sees };
    // A jail whose program in Python only tells somebody still bans by its other actions.
    const runnable = named.filter((one) => !one.name.endsWith(".py"));
    if (runnable.length > 0) this.#leaveOut(named, where);
    return (runnable.length > 0 ? runnable : named).map((one) => readAction(one, place));
  }

  #leaveOut(named: readonly NamedWithParameters[], where: string): void {
    for (const { name } of named.filter((one) => one.name.endsWith(".py"))) {
      const hint = "the jail runs without it; use an action of shell commands";
      this.#warnings.push(
        new Problem(`the action ${name} is a program in Python and is left out`, {
          code: "jails/warning",
          where,
          hint,
        }),
      );
    }
  }
}
