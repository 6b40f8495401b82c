// One `failregex`, `ignoreregex` or `prefregex`: tags put in, compiled, its groups read.

import { LineRegex } from "./line-regex.ts";
import { replaceRegexTags } from "./regex-tags.ts";

export type Fields = Map<string, string | readonly string[]>;

export interface RegexMatch {
  readonly fields: Fields;
  readonly start: number;
  readonly end: number;
  /** Lines that `<SKIPLINES>` went over. */
  readonly skipped: readonly string[];
}

/** Groups that name who failed. */
const idGroups = ["fid", "ip4", "ip6", "dns", "mlfid"];

export class FailRegex {
  readonly source: string;
  readonly #regex: LineRegex;
  /** Groups that fill another one: [group, what it fills], in the order of their names. */
  readonly #alternatives: readonly (readonly [string, string])[];
  readonly #tuples: readonly (readonly [string, string])[];

  constructor(source: string, options: { where: string; multiline: boolean; names: boolean }) {
    this.source = source;
    this.#regex = new LineRegex(replaceRegexTags(source, options), options);
    this.#alternatives = fillers(this.#regex.groups, "alt_");
    this.#tuples = fillers(this.#regex.groups, "tuple_");
  }

  get hasId(): boolean {
    return (
      this.#regex.groups.some((name) => idGroups.includes(name)) ||
      this.#alternatives.some(([, to]) => idGroups.includes(to))
    );
  }

  match(text: string, ascii: boolean): RegexMatch | undefined {
    const found = this.#regex.exec(text, ascii);
    if (found === null) return undefined;
    const fields: Fields = new Map();
    const skipped: string[] = [];
    for (const name of this.#regex.groups) {
      const value = found.groups?.[name];
      if (value === undefined || /^_\d+$/.test(name)) continue;
      if (/^skiplines\d+$/.test(name)) skipped.push(...value.split("\n").filter((line) => line !== ""));
      else fields.set(name, value);
    }
    this.#fill(fields);
    return { fields, start: found.index, end: found.index + found[0].length, skipped };
  }

  #fill(fields: Fields): void {
    for (const [from, to] of this.#alternatives) {
      const value = fields.get(from);
      if (value && !fields.get(to)) fields.set(to, value);
    }
    for (const [from, to] of this.#tuples) {
      const value = fields.get(from);
      if (typeof value !== "string") continue;
      const before = fields.get(to);
      if (before === undefined) fields.set(to, value);
      else fields.set(to, typeof before === "string" ? [before, value] : [...before, value]);
    }
  }
}

function fillers(groups: readonly string[], prefix: string): readonly (readonly [string, string])[] {
  return groups
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => [name, name.slice(prefix.length).replace(/_\d*$/, "")] as const);
}
