// All that can be said of a filter before it runs: can it match what is written today, can it be forged, can a line make it run for
// ages. Each finding has its place and the mend.

import type { FilterDefinition } from "../fail2ban/filter-reader.ts";
import { type Coverage, findCoverage, isAboutMail } from "./coverage.ts";
import { type Forgery, findForgeries } from "./forgery.ts";
import { findSlowPatterns, type SlowPattern } from "./slow-patterns.ts";

export const filterFindingCodes = [
  "filter-matches-nothing",
  "filter-misses",
  "filter-forgeable",
  "filter-slow",
] as const;

export interface FilterFinding {
  readonly severity: "error" | "warn" | "info";
  readonly code: (typeof filterFindingCodes)[number];
  readonly filter: string;
  /** file:line of the option. */
  readonly where: string;
  readonly what: string;
  readonly why: string;
  readonly mend: string;
}

/** What to mend in one filter; empty when there is nothing. `postfixVersion` is the newest without it. */
export function checkFilter(
  definition: FilterDefinition,
  options: { postfixVersion?: string | undefined } = {},
): readonly FilterFinding[] {
  const covered = findCoverage(definition, options.postfixVersion);
  const mend = covered.length === 1 ? `failregex = ${covered[0]?.event.mend}` : undefined;
  const forged = isAboutMail(definition) ? findForgeries(definition) : [];
  return [
    ...covered.flatMap((one) => coverageFinding(definition, one, options.postfixVersion) ?? []),
    ...forged.map((one) => forgeryFinding(definition, one, mend)),
    ...findSlowPatterns(definition).map((one) => slowFinding(definition, one)),
  ];
}

function coverageFinding(
  definition: FilterDefinition,
  coverage: Coverage,
  version?: string,
): FilterFinding | undefined {
  const { event, found, missed } = coverage;
  if (missed.length === 0) return undefined;
  const nothing = found.length === 0;
  const written = version === undefined ? "today's Postfix" : `Postfix ${version}`;
  return {
    severity: nothing ? "error" : "warn",
    code: nothing ? "filter-matches-nothing" : "filter-misses",
    filter: definition.name,
    where: definition.where("failregex"),
    what: nothing ? `finds no ${event.name} as ${written} writes them` : `misses some lines of ${event.name}`,
    why: `Missed: lines with ${missed.map((form) => form.name).join("; with ")}. As: ${missed[0]?.line}`,
    mend: `failregex = ${event.mend}`,
  };
}

function forgeryFinding(definition: FilterDefinition, forgery: Forgery, mend: string | undefined): FilterFinding {
  return {
    severity: "error",
    code: "filter-forgeable",
    filter: definition.name,
    where: definition.where("failregex"),
    what: `failregex ${forgery.regex} names whom a stranger wants`,
    why: `He is 203.0.113.5 and writes 198.51.100.66 into ${fieldWords[forgery.field]}: ${forgery.line}`,
    mend:
      mend ??
      "begin the regular expression with ^ and what stands before the address, and write [^\\[\\]\\s]* for .* before <HOST>",
  };
}

const fieldWords: Readonly<Record<Forgery["field"], string>> = {
  helo: "HELO",
  from: "the sender's address",
  to: "the recipient's address",
  user: "the name he logs in with",
  mechanism: "the mechanism of AUTH",
  command: "a command",
  reply: "the answer of his own server",
  "message-id": "the message-id",
};

function slowFinding(definition: FilterDefinition, slow: SlowPattern): FilterFinding {
  const shown = JSON.stringify(slow.repeated.slice(0, 60));
  return {
    severity: slow.soon ? "error" : "info",
    code: "filter-slow",
    filter: definition.name,
    where: definition.where(slow.option),
    what: `${slow.option} ${slow.number} takes longer than 100 ms on a line that repeats ${shown}`,
    why: slow.soon
      ? "Two hundred signs are enough. Such a line is interrupted, and after three the regular expression is left alone."
      : "It takes a line of thousands of signs. Such a line is interrupted, and after three the regular expression is left alone.",
    mend: "let only one of the repeats inside or beside each other take these signs",
  };
}
