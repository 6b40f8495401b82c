// Where the date of a line stands. Remembers which form the last line had: a log rarely changes it.

import {
  type DateMatch,
  type DateTemplate,
  embeddedEpochTemplate,
  epochTemplate,
  fieldsTemplate,
  noneTemplate,
  tai64nTemplate,
} from "./date-template.ts";

const clock = "%H:%M:%S";
const loose = "%k:%M:%S";
const fraction = String.raw`(?:\.%f)?`;
const anyFraction = "(?:[.,]%f)?";
const sameSeparator = "(?P=_sep)";

/** The forms that are known without a `datepattern`, in the order they are tried. */
const defaultPatterns: readonly string[] = [
  String.raw`%ExY(?P<_sep>[-/.])%m${sameSeparator}%d(?:T|  ?)${clock}${anyFraction}(?:\s*%z)?`,
  `(?:%a )?%b %d ${loose}${fraction}(?: %ExY)?`,
  `(?:%a )?%b %d %ExY ${loose}${fraction}`,
  `%d(?P<_sep>[-/])%m${sameSeparator}(?:%ExY|%Exy) ${loose}`,
  `%d(?P<_sep>[-/])%b${sameSeparator}%ExY[ :]?${clock}${fraction}(?: %z)?`,
  `%m/%d/%ExY:${clock}`,
  `%m-%d-%ExY ${loose}${fraction}`,
  "EPOCH",
  `{^LN-BEG}${clock}`,
  `^<%m/%d/%Exy@${clock}>`,
  `%Exy%Exm%Exd  ?${clock}`,
  "%b %d, %ExY %I:%M:%S %p",
  `^%b-%d-%Exy ${loose}`,
  String.raw`%ExY%Exm%Exd(?:-|T|  ?)%ExH:?%ExM:?%ExS${anyFraction}(?:\s*%z)?`,
  `(?:%Z )?(?:%a )?%b %d ${loose}${fraction}(?: %ExY)?`,
  `(?:%z )?(?:%a )?%b %d ${loose}${fraction}(?: %ExY)?`,
  "TAI64N",
];

/** Their names at the start of a line, as `makeDateTemplates` writes them. */
const knownForms: ReadonlySet<string> = new Set(defaultPatterns.map((pattern) => `{^LN-BEG}${pattern}`));

/** The templates of the patterns of a filter; the known forms when it has none. */
export function makeDateTemplates(
  patterns: readonly string[],
  nowYear: number,
  where: string,
): readonly DateTemplate[] {
  const make = (pattern: string) => makeTemplate(pattern, nowYear, where);
  const plain = defaultPatterns.map(make);
  const starts = defaultPatterns.filter((_, i) => plain[i]?.anchored === false).map((text) => make(`{^LN-BEG}${text}`));
  const all = [...starts, ...plain];
  if (patterns.length === 0) return all;
  return patterns.flatMap((pattern) => {
    if (pattern === "{DEFAULT}") return all;
    if (pattern === "{^LN-BEG}") return all.filter((template) => template.anchored);
    if (pattern.includes("{DATE}"))
      return defaultPatterns.map((text) => make(pattern.replace("{DATE}", () => inner(text))));
    return [make(pattern)];
  });
}

function inner(pattern: string): string {
  if (pattern === "EPOCH") return "{EPOCH}";
  if (pattern === "TAI64N") return "@[0-9a-f]{24}";
  return pattern.replace(/^\{\^LN-BEG\}|^\^/, "");
}

function makeTemplate(pattern: string, nowYear: number, where: string): DateTemplate {
  const bare = pattern.replace(/^(?:\{\^LN-BEG\}|\^)/, "");
  const word = bare.toUpperCase();
  if (pattern === "{NONE}") return noneTemplate();
  if (word === "EPOCH" || word === "LEPOCH") {
    return epochTemplate(pattern, { long: word === "LEPOCH", start: bare !== pattern });
  }
  if (word === "TAI64N") return tai64nTemplate(pattern, bare !== pattern);
  if (/(?<!\\)\{L?EPOCH\}/.test(pattern) && !/%[A-Za-z]/.test(pattern)) return embeddedEpochTemplate(pattern, where);
  return fieldsTemplate(pattern, nowYear, where);
}

export interface FoundDate extends DateMatch {
  readonly template: DateTemplate;
  /** A date of the same minute that was found before, and by how much this one is later. */
  readonly like?: { readonly date: FoundDate; readonly laterMs: number };
}

interface Seen {
  readonly template: DateTemplate;
  /** How far right it stood when it was seen last. */
  distance: number;
}

/** Finds the date of one line after the other. */
export class DateDetector {
  readonly #templates: Seen[];
  #last: Seen | undefined;
  #start = 1;
  #end = 1;
  /** Lines that begin like these, all of the last form. */
  #repeated: readonly Repeated[] = [];

  constructor(templates: readonly DateTemplate[]) {
    this.#templates = templates.map((template) => ({ template, distance: Number.POSITIVE_INFINITY }));
  }

  /** The date of a line that begins like one of the last lines. */
  findAgain(line: string): FoundDate | undefined {
    for (const { head, found } of this.#repeated) if (line.startsWith(head)) return found;
    for (const repeated of this.#repeated) {
      const found = repeated.seconds === undefined ? undefined : foundLike(line, repeated, repeated.seconds);
      if (found === undefined) continue;
      repeated.head = line.slice(0, repeated.head.length);
      repeated.found = found;
      return found;
    }
    return undefined;
  }

  find(line: string): FoundDate | undefined {
    const known = this.findAgain(line);
    if (known !== undefined) return known;
    const last = this.#last;
    const again = last === undefined ? undefined : this.#tryLast(last, line);
    const found = again ?? this.#search(line, last?.template.anchored ? last : undefined);
    if (found === undefined) return undefined;
    const { match, seen } = found;
    const told = { ...match, template: seen.template };
    const repeated = repeatedOf(line, told);
    const before = seen === this.#last ? this.#repeated : [];
    this.#repeated = repeated === undefined ? before : [repeated, ...before.slice(0, headsMax - 1)];
    this.#remember(seen, match);
    return told;
  }

  #tryLast(last: Seen, line: string): Hit | undefined {
    const match = last.template.match(line);
    if (match === undefined) return undefined;
    const same = match.start === this.#start && match.end === this.#end;
    return last.template.anchored || this.#templates.length === 1 || same ? { seen: last, match } : undefined;
  }

  /** Anchored forms end the search; of the others the one that stands furthest left. */
  #search(line: string, except: Seen | undefined): Hit | undefined {
    let best: Hit | undefined;
    for (const seen of this.#templates) {
      if (seen === except) continue;
      const match = seen.template.match(line);
      if (match === undefined) continue;
      if (seen.template.anchored || this.#templates.length === 1) return { seen, match };
      const further = match.start > seen.distance || match.start > this.#start;
      if (!further) return { seen, match };
      if (best === undefined || match.start < best.match.start) best = { seen, match };
    }
    return best;
  }

  #remember(seen: Seen, match: DateMatch): void {
    seen.distance = match.start;
    this.#last = seen;
    this.#start = match.start;
    this.#end = match.end;
  }
}

/** What a line that begins like an earlier one gives again. */
interface Repeated {
  head: string;
  found: FoundDate;
  /** Where its seconds stand, when they may be others. */
  readonly seconds: Seconds | undefined;
}

interface Seconds {
  /** The date with which the form was found. */
  readonly date: FoundDate;
  readonly value: number;
  readonly before: string;
  /** Digits of a fraction behind them, which is no part of the time. */
  readonly fraction: number;
  readonly after: string;
}

/** Programs that take turns in a log, each with a beginning of its own. */
const headsMax = 4;

/** The known forms look no further than this behind their date: a space, a zone or a year, the edge of a word. */
const lookedBehind = 16;

/** Only for forms at the start of a line whose reach is known. */
function repeatedOf(line: string, found: FoundDate): Repeated | undefined {
  if (!found.template.anchored || !knownForms.has(found.template.name)) return undefined;
  const head = line.slice(0, found.end + lookedBehind);
  if (head.length < found.end + lookedBehind || /\s\s|[^\x20-\x7e]/.test(head.slice(found.end))) return undefined;
  return { head, found, seconds: secondsOf(head, found) };
}

/** `11:59:07` or `11:59:07.123456`, where the form has both and no other clock stands in the date. */
function secondsOf(head: string, found: FoundDate): Seconds | undefined {
  const clock = /^(.*?\d\d:\d\d:)([0-5]\d)(?:[.,](\d{1,6}))?(?=\D|$)/.exec(found.text);
  const [, before = "", seconds = "", digits = ""] = clock ?? [];
  if (clock === null || found.groups["S"] !== seconds || (found.groups["f"] ?? "") !== digits) return undefined;
  const at = found.start + before.length;
  const fraction = digits.length;
  const after = head.slice(at + 2 + (fraction === 0 ? 0 : fraction + 1));
  return { date: found, value: Number(seconds), before: head.slice(0, at), fraction, after };
}

/** The date of a line that begins like an earlier one but for its seconds. */
function foundLike(line: string, { head, found }: Repeated, like: Seconds): FoundDate | undefined {
  const { date, value, before, fraction, after } = like;
  const at = before.length;
  const seconds = line.slice(at, at + 2);
  if (!line.startsWith(before) || !/^[0-5]\d$/.test(seconds)) return undefined;
  const behind = at + 2;
  if (fraction > 0 && (line[behind] !== head[behind] || !isDigits(line, behind + 1, fraction))) return undefined;
  if (!line.startsWith(after, behind + (fraction === 0 ? 0 : fraction + 1))) return undefined;
  const laterMs = (Number(seconds) - value) * 1000;
  const { start, end, template } = found;
  const text = line.slice(start, end);
  const own = fraction === 0 ? {} : { f: line.slice(behind + 1, behind + 1 + fraction) };
  const groups = { ...date.groups, date_text: text, S: seconds, ...own };
  return { start, end, template, text, groups, like: { date, laterMs } };
}

function isDigits(line: string, from: number, count: number): boolean {
  for (let i = from; i < from + count; i++) {
    const c = line.charCodeAt(i);
    if (!(c >= 48 && c <= 57)) return false;
  }
  return true;
}

interface Hit {
  readonly seen: Seen;
  readonly match: DateMatch;
}
