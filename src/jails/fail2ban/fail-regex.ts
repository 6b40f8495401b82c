// One `failregex`, `ignoreregex` or `prefregex`: tags put in, compiled, its groups read.

import { type LineMatch, LineRegex } from "./line-regex.ts";
import { replaceRegexTags } from "./regex-tags.ts";

export type Fields = Map<string, string | readonly string[]>;

/** Groups that name who failed. */
const idGroups = ["fid", "ip4", "ip6", "dns", "mlfid"];

/** Groups by which a match is more than a failure of whom it names. */
const connectionGroups = ["mlfid", "nofail", "mlfgained", "mlfforget"];

export class FailRegex {
  readonly source: string;
  readonly #regex: LineRegex;
  /** Groups that fill another one: [group, what it fills], in the order of their names. */
  readonly #alternatives: readonly (readonly [string, string])[];
  readonly #tuples: readonly (readonly [string, string])[];
  /** What the value of each group is for. */
  readonly #uses: readonly Use[];
  readonly #places: ReadonlyMap<string, number>;
  /** Its groups say who failed, and that is all there is to say: `textOf` has it. */
  readonly isPlain: boolean;

  constructor(source: string, options: { where: string; multiline: boolean; names: boolean }) {
    this.source = source;
    this.#regex = new LineRegex(replaceRegexTags(source, options), options);
    const { groups } = this.#regex;
    this.#alternatives = fillers(groups, "alt_");
    this.#tuples = fillers(groups, "tuple_");
    this.#uses = groups.map(useOf);
    this.#places = new Map(groups.map((name, i) => [name, i + 1]));
    const fills = this.#alternatives.length + this.#tuples.length > 0;
    this.isPlain = !fills && !groups.some((name) => connectionGroups.includes(name));
  }

  get hasId(): boolean {
    return (
      this.#regex.groups.some((name) => idGroups.includes(name)) ||
      this.#alternatives.some(([, to]) => idGroups.includes(to))
    );
  }

  /** What a group took; undefined also for nothing. */
  textOf({ values }: LineMatch, group: string): string | undefined {
    const place = this.#places.get(group);
    return place === undefined ? undefined : values[place] || undefined;
  }

  match(text: string, ascii: boolean): LineMatch | undefined {
    return this.#regex.match(text, ascii);
  }

  fieldsOf({ values }: LineMatch): Fields {
    const fields: Fields = new Map();
    for (const [i, use] of this.#uses.entries()) {
      const value = values[i + 1];
      if (value !== undefined && use === "field") fields.set(this.#regex.groups[i] ?? "", value);
    }
    this.#fill(fields);
    return fields;
  }

  /** Lines that `<SKIPLINES>` went over. */
  skippedOf({ values }: LineMatch): readonly string[] {
    return this.#uses.flatMap((use, i) =>
      use === "skipped" ? (values[i + 1] ?? "").split("\n").filter((line) => line !== "") : [],
    );
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

type Use = "field" | "skipped" | "nothing";

function useOf(group: string): Use {
  if (/^_\d+$/.test(group)) return "nothing";
  return /^skiplines\d+$/.test(group) ? "skipped" : "field";
}

function fillers(groups: readonly string[], prefix: string): readonly (readonly [string, string])[] {
  return groups
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => [name, name.slice(prefix.length).replace(/_\d*$/, "")] as const);
}
