// One filter of `filter.d`: its files and parameters → the regular expressions and settings that the engine runs.

import { Problem } from "../../core/problem.ts";
import { readConfigFiles } from "./config-files.ts";
import type { ConfigTree } from "./interpolation.ts";
import { replaceTags } from "./tags.ts";

/** What a filter says, with everything put in but the tags of the regular expressions (`<HOST>`, `<F-…>`). */
export interface FilterDefinition {
  readonly name: string;
  readonly prefregex: string;
  readonly failregex: readonly string[];
  readonly ignoreregex: readonly string[];
  readonly datepattern: readonly string[];
  readonly maxlines: number;
  readonly journalmatch: string | undefined;
  readonly usedns: string | undefined;
  readonly logtype: string;
  /** file:line where the option stands. */
  readonly where: (option: string) => string;
}

export interface FilterRequest {
  readonly directory: string;
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** Name of the source that feeds the jail; a filter for the journal differs in what stands before a message. */
  readonly backend?: string;
}

const filterOptions = ["prefregex", "failregex", "ignoreregex", "datepattern", "maxlines", "journalmatch", "usedns"];

/** Reads a filter; a Problem with the place when it cannot be. */
export function readFilter(request: FilterRequest): FilterDefinition {
  const tree = readConfigFiles(request.directory, `filter.d/${request.name}`);
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
    maxlines: parseMaxlines(options.get("maxlines"), where("maxlines")),
    journalmatch: options.get("journalmatch"),
    usedns: options.get("usedns"),
    logtype: options.get("logtype") ?? "file",
    where,
  };
}

function parseMaxlines(text: string | undefined, where: string): number {
  if (text === undefined || text === "") return 1;
  const lines = /^\s*\+?\d{1,6}\s*$/.test(text) ? Number(text) : 0;
  if (lines < 1 || lines > 1000) {
    throw new Problem(`maxlines is ${text}`, { code: "jails/bad-value", where, hint: "a number from 1 to 1000" });
  }
  return lines;
}

/** All options of the filter after interpolation and tags. */
function readFilterOptions(tree: ConfigTree, request: FilterRequest): Map<string, string> {
  const section = "Definition";
  if (!tree.has(section)) tree.add(new Map([[section, new Map()]]));
  const vars = new Map([...request.parameters].map(([name, value]) => [name.toLowerCase(), value]));
  const ownLogtype = tree.names(section).includes("logtype") || tree.names("Init").includes("logtype");
  if (!vars.has("logtype") && !ownLogtype)
    vars.set("logtype", request.backend?.startsWith("systemd") ? "journal" : "file");
  const combined = new Map<string, string>();
  for (const name of filterOptions) {
    const value = tree.find(section, name, vars);
    if (value !== undefined) combined.set(name, value);
  }
  const given = new Map(vars);
  for (const name of tree.names("Init")) {
    const value = tree.find("Init", name) ?? "";
    given.set(`known/${name}`, value);
    if (!given.has(name)) given.set(name, value);
  }
  for (const [name, value] of given) combined.set(name, value);
  const ignore = new Set([...combined.keys()].flatMap((name) => /^([\w.-]+)\?/.exec(name)?.[1] ?? []));
  const find = (tag: string) => tree.findTag(section, tag, given);
  const where = tree.where(section, "failregex") ?? `filter.d/${request.name}.conf`;
  return replaceTags(combined, { ignore, find, where });
}
