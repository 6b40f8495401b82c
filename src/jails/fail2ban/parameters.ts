// `name[p=v, q="a,b"]`: how a jail names its filter and its actions, with parameters.

import { Problem } from "../../core/problem.ts";

export interface NamedWithParameters {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** No jail has so many. */
const itemsMax = 100;

/** The items of a list that blanks and line ends separate; a Problem at `where` when one is not of the form. */
export function parseNamed(text: string, where: string): readonly NamedWithParameters[] {
  const items: NamedWithParameters[] = [];
  const rest = new Scanner(text);
  for (rest.take(/\s+/y); !rest.atEnd; rest.take(/\s+/y)) {
    const name = rest.take(/[^[\]\s,"'=]+/y);
    const parameters = new Map<string, string>();
    while (name !== undefined && rest.take(/\[\s*/y) !== undefined) {
      if (!readGroup(rest, parameters)) throw mistake(text, where);
    }
    if (name === undefined || items.length >= itemsMax) throw mistake(text, where);
    items.push({ name, parameters });
  }
  return items;
}

function mistake(text: string, where: string): Problem {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new Problem(`${shown} is not of the form`, {
    code: "jails/bad-value",
    where,
    hint: 'name[option="value", …]',
  });
}

function readGroup(rest: Scanner, parameters: Map<string, string>): boolean {
  while (rest.take(/\s*\]/y) === undefined) {
    const name = rest.take(/\s*[\w.-]+(?:\?\w+=\w+)?(?=\s*=)/y)?.trim();
    if (name === undefined || rest.take(/\s*=\s*/y) === undefined) return false;
    const quoted = rest.take(/"[^"]*"|'[^']*'/y);
    const value = quoted?.slice(1, -1) ?? rest.take(/[^,\]]*/y)?.trim() ?? "";
    parameters.set(name.toLowerCase(), value);
    if (rest.take(/\s*,\s*/y) === undefined && rest.take(/\s*(?=\])/y) === undefined) return false;
  }
  return true;
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found[0];
  }
}
