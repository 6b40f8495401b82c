// One regular expression as the engine runs it: tried in the ASCII form where the text allows, in the Unicode form otherwise.

import { Problem } from "../../core/problem.ts";
import { RegexMistake } from "./python-regex/ast.ts";
import { emitForV8 } from "./python-regex/emit.ts";
import { parsePythonRegex } from "./python-regex/parse.ts";

/** Everything outside these needs classes as Python has them for Unicode. */
export function isAsciiText(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text);
}

export class LineRegex {
  readonly groups: readonly string[];
  readonly source: string;
  readonly #parsed: ReturnType<typeof parsePythonRegex>;
  readonly #multiline: boolean;
  readonly #ascii: RegExp;
  #unicode: RegExp | undefined;

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

  exec(text: string, ascii: boolean): RegExpExecArray | null {
    if (ascii) return this.#ascii.exec(text);
    this.#unicode ??= this.#compile(true);
    return this.#unicode.exec(text);
  }

  #compile(unicode: boolean): RegExp {
    const { source, flags } = emitForV8(this.#parsed, { unicode, multiline: this.#multiline });
    return new RegExp(source, flags);
  }
}
