// What a line needs for a filter of Fail2ban to say anything about it.

import type { FilterDefinition } from "./fail2ban/filter-reader.ts";
import { parsePythonRegex } from "./fail2ban/python-regex/parse.ts";
import { replaceRegexTags } from "./fail2ban/regex-tags.ts";
import { anyOf, type Literal, type Literals, literalsOf, strongest } from "./literals.ts";

/** In the journal's JSON a message that is no text stands as numbers: such a line must be looked at. */
const numberedMessage: Literal = { text: '"MESSAGE":[', ignoreCase: false };

/** Undefined: every line must be seen. `journal`: lines are JSON, where some characters are written otherwise. */
export function needsOf(filter: FilterDefinition, journal: boolean): Literals {
  // A window of several lines fills with lines that match nothing; without bounds a date may stand within a word.
  if (filter.maxlines > 1 || filter.datepattern.some((pattern) => /\{UNB\}|^\*\*|\*\*$/.test(pattern)))
    return undefined;
  const names = filter.usedns !== "no";
  const read = (source: string) => literalsOf(parsePythonRegex(replaceRegexTags(source, { names })));
  const prefix = filter.prefregex === "" ? undefined : read(filter.prefregex);
  const literals = strongest(prefix, anyOf(filter.failregex.map(read)));
  if (literals === undefined || !journal) return literals;
  return literals.some(({ text }) => /["\\/]/.test(text)) ? undefined : [...literals, numberedMessage];
}
