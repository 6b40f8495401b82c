// Can a stranger make a filter name somebody else? Lines with his text in every place that is his are shown to the filter; if it
// names the address that he wrote, it can be forged.

import { FilterEngine } from "../fail2ban/filter-engine.ts";
import type { FilterDefinition } from "../fail2ban/filter-reader.ts";
import { parsePythonRegex } from "../fail2ban/python-regex/parse.ts";
import { sampleOf } from "../fail2ban/python-regex/sample.ts";
import { replaceRegexTags } from "../fail2ban/regex-tags.ts";
import { GuardedFilter } from "../filter.ts";
import { type Field, fillShape, forgedAddress, lineShapes } from "./line-shapes.ts";

export interface Forgery {
  /** The line that did it. */
  readonly line: string;
  /** What the stranger wrote there. */
  readonly field: Field;
  /** The regular expression, from 1. */
  readonly regex: number;
}

/** Texts tried for one filter; each goes into every field of every line. */
const payloadsMax = 400;
/** More time than a jail gives: this is no judgement about speed. */
const lineTimeoutMs = 1_000;

/** A line that makes the filter name whom a stranger wants, one for each regular expression; empty when none was found. */
export function findForgeries(definition: FilterDefinition): readonly Forgery[] {
  const engine = () => new FilterEngine(definition, { now: () => Date.UTC(2026, 10, 24, 2, 47, 5) });
  const attempts = makeAttempts(definition);
  const found = new Map<number, Forgery>();
  const guarded = new GuardedFilter(engine(), lineTimeoutMs);
  guarded.seeAll(
    attempts.map((attempt) => attempt.line),
    (seen, index) => {
      const attempt = attempts[index];
      if (seen.kind !== "failure" || seen.failure.host !== forgedAddress || attempt === undefined) return;
      const regex = seen.failure.regex + 1;
      // What a connection said before may have named it: alone, the line must do the same.
      if (found.has(regex) || engine().see(attempt.line)?.host !== forgedAddress) return;
      found.set(regex, { line: attempt.line, field: attempt.field, regex });
    },
  );
  return [...found.values()].sort((a, b) => a.regex - b.regex);
}

interface Attempt {
  readonly line: string;
  readonly field: Field;
}

function makeAttempts(definition: FilterDefinition): readonly Attempt[] {
  const payloads = [
    ...new Set([...plainPayloads, ...definition.failregex.flatMap((source) => payloadsOf(source, definition))]),
  ];
  const attempts: Attempt[] = [];
  for (const payload of payloads.slice(0, payloadsMax)) {
    for (const shape of lineShapes) {
      for (const field of shape.fields) {
        const line = fillShape(shape, field, payload);
        if (line !== undefined) attempts.push({ line, field });
      }
    }
  }
  return attempts;
}

/** What stands around addresses in the lines of mail servers. */
const plainPayloads: readonly string[] = [
  forgedAddress,
  `[${forgedAddress}]`,
  `x[${forgedAddress}]`,
  `x[${forgedAddress}]: x`,
  ` from x[${forgedAddress}]`,
  ` from x[${forgedAddress}]: 5`,
  `x,${forgedAddress}`,
  `x,${forgedAddress})`,
  `x>, method=PLAIN, rip=${forgedAddress}, lip=192.0.2.25`,
  `x rip=${forgedAddress}`,
  `x (${forgedAddress})`,
];

/** Texts that a regular expression is looking for, whole and in parts around the address. */
function payloadsOf(source: string, definition: FilterDefinition): readonly string[] {
  const samples = [0, 1].flatMap((repeats) => samplesOf(source, definition, repeats));
  return [...new Set(samples)].flatMap(partsAround);
}

function samplesOf(source: string, definition: FilterDefinition, repeats: number): readonly string[] {
  const names = definition.usedns !== "no";
  const make = (text: string, groups: Readonly<Record<string, string>>) => {
    const { root } = parsePythonRegex(replaceRegexTags(text, { names }));
    return sampleOf(root, { repeats, alternative: 0, groups });
  };
  const own = make(source, { ip4: forgedAddress });
  if (definition.prefregex === "") return [own];
  return [own, make(definition.prefregex, { ip4: forgedAddress, content: own })];
}

/** Places to cut at on each side; more make no difference but time. */
const cutsMax = 6;

function partsAround(sample: string): readonly string[] {
  const at = sample.indexOf(forgedAddress);
  if (at < 0) return [];
  const end = at + forgedAddress.length;
  const starts = cuts(sample.slice(0, at)).map((length) => length);
  const ends = cuts(sample.slice(end)).map((length) => end + length);
  return starts.flatMap((start) => ends.map((stop) => sample.slice(start, stop)));
}

/** Both ends, and the first and last borders of words between them. */
function cuts(text: string): readonly number[] {
  const borders = [...text.matchAll(/\b|$/g)].map((found) => found.index);
  const half = cutsMax / 2;
  return [...new Set([0, ...borders.slice(0, half), ...borders.slice(-half), text.length])];
}
