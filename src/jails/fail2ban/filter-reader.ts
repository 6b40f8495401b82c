// One filter of `filter.d`: its files and parameters → the regular expressions and settings that the engine runs.

import { Problem } from "../../core/problem.ts";
import { readConfigFiles, type SeeFile } from "./config-files.ts";
import { readDefinition } from "./definition-reader.ts";
import type { ConfigTree, Options } from "./interpolation.ts";
import { conditionalNames, replaceTags } from "./tags.ts";

/** What a filter says, with everything put in but the tags of the regular expressions (`<HOST>`, `<F-…>`). */
export interface FilterDefinition {
  readonly name: string;
  readonly prefregex: string;
  readonly failregex: readonly string[];
  readonly ignoreregex: readonly string[];
  readonly datepattern: readonly string[];
  readonly maxlines: number;
  /** Each with its words: `FIELD=value`, and `+` between alternatives. */
  readonly journalmatch: readonly (readonly string[])[];
  readonly usedns: string | undefined;
  readonly logtype: string;
  /** All options with everything put in, for `%(known/…)s` of a jail. */
  readonly options: Options;
  /** file:line where the option stands. */
  readonly where: (option: string) => string;
}

export interface FilterRequest {
  readonly directory: string;
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** Name of the source that feeds the jail; a filter for the journal differs in what stands before a message. */
  readonly backend?: string;
  /** The jail's own options. */
  readonly jail?: Options;
  readonly sees?: SeeFile | undefined;
}

const filterOptions = ["prefregex", "failregex", "ignoreregex", "datepattern", "maxlines", "journalmatch", "usedns"];

/** The files of a filter; a Problem when there are none. */
export function readFilterFiles(request: FilterRequest): ConfigTree {
  return readConfigFiles(request.directory, `filter.d/${request.name}`, request.sees);
}

/** Reads a filter; a Problem with the place when it cannot be. */
export function readFilter(request: FilterRequest, tree = readFilterFiles(request)): FilterDefinition {
  const options = readFilterOptions(tree, request);
  const where = (option: string) =>
    tree.where("Definition", option) ?? `${request.directory}/filter.d/${request.name}.conf`;
  const list = (name: string) => (options.get(name) ?? "").split("\n").filter((line) => line !== "");
  return {
    name: request.name,
    prefregex: options.get("prefregex") ?? "",
    failregex: list("failregex"),
    ignoreregex: list("ignoreregex"),
    datepattern: list("datepattern"),
    maxlines: parseMaxlines(options.get("maxlines"), where("maxlines")) ?? 1,
    journalmatch: parseJournalMatch(options.get("journalmatch")),
    usedns: options.get("usedns"),
    logtype: options.get("logtype") ?? "file",
    options,
    where,
  };
}

/** One match a line, split as a shell does. */
export function parseJournalMatch(text: string | undefined): readonly (readonly string[])[] {
  return (text ?? "")
    .split("\n")
    .map(splitWords)
    .filter((words) => words.length > 0);
}

function splitWords(line: string): readonly string[] {
  const words = line.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? [];
  return words.map((word) =>
    word.replace(
      /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
      (_, one?: string, double?: string, single?: string) =>
        one ?? single ?? (double ?? "").replace(/\\(["\\])/g, "$1"),
    ),
  );
}

/** The number of `maxlines`; undefined when it is not set, a Problem when it is none. */
export function parseMaxlines(text: string | undefined, where: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  const lines = /^\s*\+?\d{1,6}\s*$/.test(text) ? Number(text) : 0;
  if (lines < 1 || lines > 1000) {
    throw new Problem(`maxlines is ${text}`, { code: "jails/bad-value", where, hint: "a number from 1 to 1000" });
  }
  return lines;
}

/** All options of the filter after interpolation and tags. */
function readFilterOptions(tree: ConfigTree, request: FilterRequest): Map<string, string> {
  const parameters = new Map([...request.parameters].map(([name, value]) => [name.toLowerCase(), value]));
  const ownLogtype = tree.names("Definition").includes("logtype") || tree.names("Init").includes("logtype");
  if (!parameters.has("logtype") && !ownLogtype)
    parameters.set("logtype", request.backend?.startsWith("systemd") ? "journal" : "file");
  const jail = request.jail ?? new Map();
  const options = [...new Set([...filterOptions, ...tree.names("Definition")])];
  const { own, given, find } = readDefinition({ tree, parameters, jail, options });
  const combined = new Map([...own, ...given]);
  const ignore = conditionalNames(combined.keys());
  const where = tree.where("Definition", "failregex") ?? `filter.d/${request.name}.conf`;
  return replaceTags(combined, { ignore, find, where });
}
