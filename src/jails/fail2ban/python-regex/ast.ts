// The tree of a regular expression in Python's language (docs.python.org/3/library/re.html), and what a mistake in it is.

/** The classes that have a name. */
export type ClassName = "d" | "w" | "s";

export type ClassItem =
  | { readonly kind: "range"; readonly from: number; readonly to: number }
  | { readonly kind: "named"; readonly name: ClassName; readonly negated: boolean };

export type Node =
  | { readonly kind: "char"; readonly code: number }
  | { readonly kind: "any" }
  | { readonly kind: "class"; readonly negated: boolean; readonly items: readonly ClassItem[] }
  | { readonly kind: "at"; readonly what: "^" | "$" | "A" | "Z" | "b" | "B" }
  | { readonly kind: "sequence"; readonly items: readonly Node[] }
  | { readonly kind: "alternatives"; readonly items: readonly Node[] }
  | { readonly kind: "group"; readonly index: number; readonly name: string; readonly body: Node }
  | { readonly kind: "plain"; readonly body: Node }
  | { readonly kind: "flags"; readonly on: string; readonly off: string; readonly body: Node }
  | { readonly kind: "look"; readonly behind: boolean; readonly negated: boolean; readonly body: Node }
  | { readonly kind: "atomic"; readonly body: Node }
  | {
      readonly kind: "repeat";
      readonly min: number;
      readonly max: number;
      readonly how: "greedy" | "lazy" | "possessive";
      readonly body: Node;
    }
  | { readonly kind: "back"; readonly name: string }
  | { readonly kind: "choice"; readonly group: string; readonly yes: Node; readonly no: Node };

export interface PythonRegex {
  readonly root: Node;
  /** Flags that stand at the start, of `imsx`. */
  readonly flags: string;
  /** Names in the order of their numbers; a group without a name is `_N`. */
  readonly groups: readonly string[];
}

/** What cannot be read or cannot be run, with the construct's name. */
export class RegexMistake extends Error {
  override readonly name = "RegexMistake";
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}
