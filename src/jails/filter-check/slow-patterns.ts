// Regular expressions that a line can make run for ages, found when a filter is loaded: each is shown lines that repeat what its own
// repeats take, and must come to an end within the time that one line has.

import { FailRegex } from "../fail2ban/fail-regex.ts";
import type { FilterDefinition } from "../fail2ban/filter-reader.ts";
import type { Node } from "../fail2ban/python-regex/ast.ts";
import { parsePythonRegex } from "../fail2ban/python-regex/parse.ts";
import { sampleOf } from "../fail2ban/python-regex/sample.ts";
import { replaceRegexTags } from "../fail2ban/regex-tags.ts";
import { GuardedFilter } from "../filter.ts";

export interface SlowPattern {
  readonly option: "prefregex" | "failregex" | "ignoreregex";
  /** From 1. */
  readonly number: number;
  readonly source: string;
  /** A line of two hundred signs is enough; otherwise it takes one of thousands. */
  readonly soon: boolean;
  /** What was repeated. */
  readonly repeated: string;
}

/** Half of what the engine lets through: what takes the whole limit on these has no time left on the longest. */
const longLength = 4_096;
const shortLength = 240;
const limitMs = 100;
/** Repeats that are tried in one regular expression. */
const repeatsMax = 60;

/** The patterns of a filter that do not come to an end in time; with `soonOnly` those that a short line is enough for. */
export function findSlowPatterns(
  definition: FilterDefinition,
  { soonOnly = false }: { soonOnly?: boolean } = {},
): readonly SlowPattern[] {
  const lengths = soonOnly ? [shortLength] : [shortLength, longLength];
  const of = (option: SlowPattern["option"], sources: readonly string[]) =>
    sources.flatMap((source, index) => examine({ option, number: index + 1, source }, definition, lengths) ?? []);
  return [
    ...of("prefregex", definition.prefregex === "" ? [] : [definition.prefregex]),
    ...of("failregex", definition.failregex),
    ...of("ignoreregex", definition.ignoreregex),
  ];
}

type Pattern = Pick<SlowPattern, "option" | "number" | "source">;

function examine(pattern: Pattern, definition: FilterDefinition, lengths: readonly number[]): SlowPattern | undefined {
  const names = definition.usedns !== "no";
  const multiline = definition.maxlines > 1;
  const regex = new FailRegex(pattern.source, { where: definition.where(pattern.option), multiline, names });
  const { root } = parsePythonRegex(replaceRegexTags(pattern.source, { names }));
  const pumps = makePumps(root);
  for (const length of lengths) {
    const repeated = firstSlow(regex, pumps, length);
    if (repeated !== undefined) return { ...pattern, soon: length === shortLength, repeated };
  }
  return undefined;
}

function firstSlow(regex: FailRegex, pumps: readonly Pump[], length: number): string | undefined {
  let slow: string | undefined;
  const guarded = new GuardedFilter<never>(
    {
      see: (line) => {
        regex.match(line, true);
        return undefined;
      },
    },
    limitMs,
  );
  // A few at a time: the first that takes too long says enough.
  for (let at = 0; at < pumps.length && slow === undefined; at += atOnce) {
    const part = pumps.slice(at, at + atOnce);
    guarded.seeAll(
      part.map((pump) => pumpedLine(pump, length)),
      (seen, index) => {
        if (seen.kind === "interrupted") slow ??= part[index]?.part;
      },
    );
  }
  return slow;
}

const atOnce = 20;

/** What was repeated cannot end here: every way to have taken it is tried. */
function pumpedLine({ before, part }: Pump, length: number): string {
  return `${`${before}${part.repeat(Math.ceil(length / part.length))}`.slice(0, length)}\x01\n`;
}

interface Pump {
  /** What leads up to the repeat. */
  readonly before: string;
  readonly part: string;
}

/** What people type and what programs write most. */
const commonParts = [" ", "a", "1", "a ", "a.", "a, ", "x=1 ", ": ", "<a>", "(a) ", "[", "/", "-", "'", '"'];

function makePumps(root: Node): readonly Pump[] {
  const pumps = new Map<string, Pump>();
  const add = (before: string, part: string) => {
    const short = before.slice(0, 200);
    if (part !== "" && pumps.size < repeatsMax * commonParts.length)
      pumps.set(`${short}\0${part}`, { before: short, part });
  };
  for (const { path, body } of findRepeats(root).slice(0, repeatsMax)) {
    const before = path.map((node) => sampleOf(node, { repeats: 0, alternative: 0, groups: {} })).join("");
    for (const alternative of [0, 1, 2, 3]) {
      for (const repeats of [0, 1, 2]) add(before, sampleOf(body, { repeats, alternative, groups: {} }));
    }
    for (const part of [" ", "a", "1", "a "]) add(before, part);
  }
  for (const part of commonParts) add("", part);
  return [...pumps.values()];
}

interface FoundRepeat {
  /** Nodes that stand before it. */
  readonly path: readonly Node[];
  readonly body: Node;
}

function findRepeats(node: Node, path: readonly Node[] = []): readonly FoundRepeat[] {
  if (node.kind === "sequence") {
    return node.items.flatMap((item, index) => findRepeats(item, [...path, ...node.items.slice(0, index)]));
  }
  if (node.kind === "alternatives") return node.items.flatMap((item) => findRepeats(item, path));
  if (node.kind === "choice") return [...findRepeats(node.yes, path), ...findRepeats(node.no, path)];
  if (!("body" in node)) return [];
  const inner = findRepeats(node.body, path);
  return node.kind === "repeat" && node.max > 1 ? [{ path, body: node.body }, ...inner] : inner;
}
