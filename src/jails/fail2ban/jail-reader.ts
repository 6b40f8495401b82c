// `jail.conf` and what belongs to it → the jails that are enabled, each with its filter. A jail that cannot run is told and left
// out; the others run.

import { Problem } from "../../core/problem.ts";
import { readConfigFiles } from "./config-files.ts";
import { type FilterDefinition, readFilter } from "./filter-reader.ts";
import type { ConfigTree } from "./interpolation.ts";
import { type NamedWithParameters, parseNamed } from "./parameters.ts";
import { parseSeconds } from "./time-expression.ts";

export interface JailDefinition {
  readonly name: string;
  readonly backend: string;
  readonly filter: FilterDefinition;
  readonly maxretry: number;
  readonly findtimeSeconds: number;
  /** Below nought: for ever. */
  readonly bantimeSeconds: number;
  readonly logpaths: readonly string[];
  readonly ignoreip: readonly string[];
  readonly actions: readonly NamedWithParameters[];
}

export interface JailsRead {
  readonly jails: readonly JailDefinition[];
  readonly problems: readonly Problem[];
}

/** The enabled jails of a configuration; `all` takes every jail for enabled. A Problem when `jail.conf` itself cannot be read. */
export function readJails(directory: string, options: { all?: boolean } = {}): JailsRead {
  const tree = readConfigFiles(directory, "jail");
  const jails: JailDefinition[] = [];
  const problems: Problem[] = [];
  for (const name of tree.sections) {
    try {
      if (options.all || isTrue(tree.find(name, "enabled"))) jails.push(readJail(tree, directory, name));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      problems.push(error);
    }
  }
  return { jails, problems };
}

function isTrue(text: string | undefined): boolean {
  return /^(?:1|on|true|yes)$/i.test(text ?? "");
}

const replacing = ["failregex", "ignoreregex", "datepattern"] as const;

function readJail(tree: ConfigTree, directory: string, name: string): JailDefinition {
  const where = (option: string) => tree.where(name, option) ?? `${directory}/jail.conf [${name}]`;
  const backend = tree.find(name, "backend") ?? "auto";
  const filter = readJailFilter(tree, { directory, name, backend });
  const seconds = (option: string) => {
    const text = tree.find(name, option) ?? "10m";
    const value = parseSeconds(text);
    if (value !== undefined) return value;
    throw new Problem(`${option} is ${text}`, {
      code: "jails/bad-value",
      where: where(option),
      hint: "a span of time, as 10m",
    });
  };
  const maxretry = Number.parseInt(tree.find(name, "maxretry") ?? "5", 10);
  return {
    name,
    backend,
    filter,
    maxretry: maxretry > 0 ? maxretry : 5,
    findtimeSeconds: seconds("findtime"),
    bantimeSeconds: seconds("bantime"),
    logpaths: words(tree.find(name, "logpath"), /\n/),
    ignoreip: words(tree.find(name, "ignoreip"), /[\s,]+/),
    actions: parseNamed(tree.find(name, "action") ?? "", where("action")),
  };
}

function words(text: string | undefined, between: RegExp): readonly string[] {
  return (text ?? "")
    .split(between)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

interface JailPlace {
  readonly directory: string;
  readonly name: string;
  readonly backend: string;
}

/** The filter that the jail names, with what the jail itself says over it. */
function readJailFilter(tree: ConfigTree, { directory, name, backend }: JailPlace): FilterDefinition {
  const where = tree.where(name, "filter") ?? `${directory}/jail.conf [${name}]`;
  const [named, ...more] = parseNamed(tree.find(name, "filter") ?? name, where);
  if (named === undefined || more.length > 0) {
    throw new Problem(`the jail ${name} names no single filter`, { code: "jails/bad-value", where });
  }
  const filter = readFilter({ directory, name: named.name, parameters: named.parameters, backend });
  tree.addKnown(name, new Map(replacing.map((option) => [option, filter[option].join("\n")])));
  const own = new Map<string, readonly string[]>();
  for (const option of replacing) {
    const text = tree.find(name, option);
    if (text !== undefined)
      own.set(
        option,
        text.split("\n").filter((line) => line !== ""),
      );
  }
  return {
    ...filter,
    prefregex: tree.find(name, "prefregex") ?? filter.prefregex,
    failregex: own.get("failregex") ?? filter.failregex,
    ignoreregex: own.get("ignoreregex") ?? filter.ignoreregex,
    datepattern: own.get("datepattern") ?? filter.datepattern,
    usedns: filter.usedns ?? tree.find(name, "usedns"),
    where: (option) => (tree.names(name).includes(option) ? (tree.where(name, option) ?? where) : filter.where(option)),
  };
}
