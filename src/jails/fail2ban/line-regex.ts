// One regular expression as the engine runs it: tried in the ASCII form where the text allows, in the Unicode form otherwise.

import { Problem } from "../../core/problem.ts";
import { RegexMistake } from "./python-regex/ast.ts";
import { emitForV8 } from "./python-regex/emit.ts";
import { parsePythonRegex } from "./python-regex/parse.ts";

/** Everything outside these needs classes as Python has them for Unicode. */
export function isAsciiText(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text);
}

export interface LineMatch {
  readonly start: number;
  readonly end: number;
  /** The whole, then what each group took, in the order of `groups`. */
  readonly values: readonly (string | undefined)[];
}

/** A compiled form. Names of groups cost an object at each match: where no group is there twice or referred to, they are counted. */
interface Form {
  readonly regex: RegExp;
  readonly isNamed: boolean;
}

export class LineRegex {
  readonly groups: readonly string[];
  readonly source: string;
  readonly #parsed: ReturnType<typeof parsePythonRegex>;
  readonly #multiline: boolean;
  readonly #ascii: Form;
  #unicode: Form | undefined;

  /** A Problem with the place and the construct's name when the text cannot run. */
  constructor(source: string, options: { where: string; multiline?: boolean; ignoreCase?: boolean }) {
    this.source = source;
    this.#multiline = options.multiline ?? false;
    try {
      const parsed = parsePythonRegex(source);
      this.#parsed = options.ignoreCase ? { ...parsed, flags: `${parsed.flags}i` } : parsed;
      this.groups = this.#parsed.groups;
      this.#ascii = this.#compile(false);
    } catch (error) {
      if (!(error instanceof RegexMistake) && !(error instanceof SyntaxError)) throw error;
      const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source;
      throw new Problem(`the regular expression has ${error.message}: ${shown}`, {
        code: "jails/regex",
        where: options.where,
      });
    }
  }

  match(text: string, ascii: boolean): LineMatch | undefined {
    if (!ascii) this.#unicode ??= this.#compile(true);
    const { regex, isNamed } = (ascii ? this.#ascii : this.#unicode) ?? this.#ascii;
    const found = regex.exec(text);
    if (found === null) return undefined;
    const { index: start } = found;
    const end = start + found[0].length;
    if (!isNamed) return { start, end, values: found };
    return { start, end, values: [found[0], ...this.groups.map((name) => found.groups?.[name])] };
  }

  #compile(unicode: boolean): Form {
    const { source, flags } = emitForV8(this.#parsed, { unicode, multiline: this.#multiline });
    // Every sign of the pattern's own texts is escaped: these are nothing else.
    const names = source.match(/\(\?<\w+>/g) ?? [];
    const isNamed = names.length !== this.groups.length || source.includes("\\k<");
    return { regex: new RegExp(isNamed ? source : source.replace(/\(\?<\w+>/g, "("), flags), isNamed };
  }
}
