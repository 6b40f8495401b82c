// `<name>` inside values: replaced by the option of that name, until nothing is left to replace.

import { Problem } from "../../core/problem.ts";

/** As Fail2ban: a tag that is put in more often refers to itself. */
const replacementsMax = 25;
const lengthMax = 1_000_000;

const tagPattern = /<([^ <>]+)>/g;

export interface TagRules {
  /** Tags that stay as they are: their value is known when an action runs. */
  readonly ignore?: ReadonlySet<string>;
  /** A condition as `family=inet6`: values of `name?family=inet6` are preferred. */
  readonly condition?: string;
  /** Values beyond the options. */
  readonly find: (tag: string) => string | undefined;
  /** file:line of what is replaced, for a Problem. */
  readonly where: string;
}

/** The options with all tags replaced that have a value; a Problem when one refers to itself. */
export function replaceTags(options: ReadonlyMap<string, string>, rules: TagRules): Map<string, string> {
  const result = new Map(options);
  const counts = new Map<string, number>();
  for (let again = true; again; ) {
    again = false;
    for (const [name, before] of result) {
      if (rules.ignore?.has(name) || !before.includes("<")) continue;
      const after = replaceIn(name, before, { result, counts, rules });
      if (after === before) continue;
      result.set(name, after);
      if (after.includes("<")) again = true;
    }
  }
  return result;
}

/** Names that have a value for one family beside the plain one: which of them counts is known when an action runs. */
export function conditionalNames(names: Iterable<string>): Set<string> {
  return new Set([...names].flatMap((name) => /^([\w.-]+)\?/.exec(name)?.[1] ?? []));
}

interface Job {
  readonly result: ReadonlyMap<string, string>;
  readonly counts: Map<string, number>;
  readonly rules: TagRules;
}

function replaceIn(name: string, before: string, { result, counts, rules }: Job): string {
  let value = before;
  let from = 0;
  for (;;) {
    tagPattern.lastIndex = from;
    const found = tagPattern.exec(value);
    if (found === null) return value;
    const tag = found[1] ?? "";
    const conditional = rules.condition === undefined ? undefined : result.get(`${tag}?${rules.condition}`);
    const text = rules.ignore?.has(tag) ? undefined : (conditional ?? result.get(tag) ?? rules.find(tag));
    if (text === undefined) {
      from = tagPattern.lastIndex;
      continue;
    }
    const count = (counts.get(tag) ?? 0) + 1;
    counts.set(tag, count);
    if (tag === name || count > replacementsMax || value.length > lengthMax) {
      throw new Problem(`the value of ${name} refers to itself by <${tag}>`, {
        code: "jails/bad-value",
        where: rules.where,
      });
    }
    value = value.replaceAll(`<${tag}>`, () => text);
    from = found.index;
  }
}
