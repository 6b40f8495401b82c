// What must stand in a line for a pattern to match it: texts of which at least one is there. Found in the pattern's tree, and never
// too strict, so that a scan for them may say no to a line and nothing is missed.

import type { Node, PythonRegex } from "./fail2ban/python-regex/ast.ts";

/** A text, in small letters where case does not count. */
export interface Literal {
  readonly text: string;
  readonly ignoreCase: boolean;
}

/** One of these stands in every line that matches; undefined: nothing is known of it. */
export type Literals = readonly Literal[] | undefined;

/** Shorter ones are in most lines. */
const lengthMin = 4;
/** More alternatives than this are no faster than the patterns themselves. */
const alternativesMax = 64;

export function literalsOf({ root, flags }: PythonRegex): Literals {
  return best(clausesOf(root, flags.includes("i")));
}

/** What must stand there for any of several patterns. */
export function anyOf(all: readonly Literals[]): Literals {
  const union: Literal[] = [];
  for (const literals of all) {
    if (literals === undefined) return undefined;
    union.push(...literals);
  }
  const unique = new Map(union.map((one) => [`${one.ignoreCase} ${one.text}`, one]));
  return unique.size === 0 || unique.size > alternativesMax ? undefined : [...unique.values()];
}

/** The stronger of two, both of which hold. */
export function strongest(a: Literals, b: Literals): Literals {
  return best([a, b].flatMap((literals) => (literals === undefined ? [] : [literals])));
}

/** The clause whose shortest text is longest: it says no most often, and a scan leaps furthest. */
function best(clauses: readonly (readonly Literal[])[]): Literals {
  const shortest = (clause: readonly Literal[]) => Math.min(...clause.map(({ text }) => text.length));
  let found: Literals;
  for (const clause of clauses) {
    if (clause.length === 0 || clause.length > alternativesMax || shortest(clause) < lengthMin) continue;
    const better = found === undefined || shortest(clause) > shortest(found);
    if (better) found = clause;
  }
  return found;
}

/** Clauses that all hold. */
function clausesOf(node: Node, ignoreCase: boolean): (readonly Literal[])[] {
  switch (node.kind) {
    case "sequence":
      return sequenceClauses(node.items, ignoreCase);
    case "char":
      return sequenceClauses([node], ignoreCase);
    case "alternatives": {
      const union = anyOf(node.items.map((item) => best(clausesOf(item, ignoreCase))));
      return union === undefined ? [] : [union];
    }
    case "group":
    case "plain":
    case "atomic":
      return clausesOf(node.body, ignoreCase);
    case "flags":
      return clausesOf(node.body, (ignoreCase || node.on.includes("i")) && !node.off.includes("i"));
    case "repeat":
      return node.min > 0 ? clausesOf(node.body, ignoreCase) : [];
    case "look":
    case "any":
    case "class":
    case "at":
    case "back":
    case "choice":
      return [];
    default:
      return node satisfies never;
  }
}

/** Characters one after the other make a text; groups without a choice are gone through. */
function sequenceClauses(items: readonly Node[], ignoreCase: boolean): (readonly Literal[])[] {
  const clauses: (readonly Literal[])[] = [];
  let run = "";
  const end = () => {
    for (const text of piecesOf(run, ignoreCase)) clauses.push([{ text, ignoreCase }]);
    run = "";
  };
  for (const item of flatten(items)) {
    if (item.kind === "char") run += String.fromCodePoint(item.code);
    // It takes no room: what stands on both sides of it is one text.
    else if (item.kind !== "look" && item.kind !== "at") {
      end();
      clauses.push(...clausesOf(item, ignoreCase));
    }
  }
  end();
  return clauses;
}

function flatten(items: readonly Node[]): readonly Node[] {
  return items.flatMap((item) => {
    if (item.kind === "sequence") return flatten(item.items);
    if (item.kind === "group" || item.kind === "plain") {
      const inner = item.body.kind === "sequence" ? flatten(item.body.items) : [item.body];
      return inner.every(({ kind }) => kind === "char" || kind === "at") ? inner : [item];
    }
    return [item];
  });
}

/**
 * The parts of a text that stand together in the bytes of the line. The date is cut out of a line before it is matched, always
 * between characters that belong to no word: a text with two of them side by side may have been torn apart. Beyond ASCII the bytes
 * depend on the encoding, and without case `k` and `s` have more forms than two.
 */
function piecesOf(run: string, ignoreCase: boolean): string[] {
  const parts = run.split(/[^\x20-\x7e]/).flatMap((part) => part.split(/(?<=\W)(?=\W)/));
  const usable = ignoreCase ? parts.flatMap((part) => part.toLowerCase().split(/[ks]/)) : parts;
  return usable.filter((part) => part !== "");
}
