// One form of a date in a line: `%d/%b/%Y` and its like → a regular expression and what its groups mean.

import { isAsciiText, LineRegex } from "./line-regex.ts";

export interface DateMatch {
  /** Where the date itself stands: what is cut out of the line. */
  readonly start: number;
  readonly end: number;
  readonly groups: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

export interface DateTemplate {
  readonly name: string;
  readonly pattern: string;
  readonly kind: "fields" | "epoch" | "long-epoch" | "tai64n" | "none";
  /** Only at the start of a line. */
  readonly anchored: boolean;
  match(line: string): DateMatch | undefined;
}

const zoneText = String.raw`(?:Z|UTC|GMT|[+-][01]\d(?::?\d{2})?)`;
const zoneNames = `(?:Z|UTC|GMT|[A-Z]{3,5})`;
const months = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const monthsLong = "january|february|march|april|may|june|july|august|september|october|november|december";
const days = "mon|tue|wed|thu|fri|sat|sun";
const daysLong = "monday|tuesday|wednesday|thursday|friday|saturday|sunday";

const twoDay = String.raw`(?P<d>3[0-1]|[1-2]\d|0[1-9])`;
const hour = String.raw`(?:2[0-3]|[0-1]\d|\d)`;

/** What each field is, years apart. */
const fields: Readonly<Record<string, string>> = {
  a: `(?P<a>${days})`,
  A: `(?P<A>${daysLong})`,
  b: `(?P<b>${months})`,
  B: `(?P<B>${monthsLong})`,
  p: "(?P<p>am|pm)",
  d: String.raw`(?P<d>3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])`,
  m: "(?P<m>1[0-2]|0[1-9]|[1-9])",
  y: String.raw`(?P<y>\d\d)`,
  Y: String.raw`(?P<Y>\d\d\d\d)`,
  H: `(?P<H>${hour})`,
  k: ` ?(?P<H>${hour})`,
  I: "(?P<I>1[0-2]|0[1-9]|[1-9])",
  l: " ?(?P<I>1[0-2]|0?[1-9])",
  M: String.raw`(?P<M>[0-5]\d|\d)`,
  S: String.raw`(?P<S>6[0-1]|[0-5]\d|\d)`,
  f: "(?P<f>[0-9]{1,6})",
  j: String.raw`(?P<j>36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])`,
  U: String.raw`(?P<U>5[0-3]|[0-4]\d|\d)`,
  W: String.raw`(?P<W>5[0-3]|[0-4]\d|\d)`,
  w: "(?P<w>[0-6])",
  z: `(?P<z>${zoneText})`,
  Z: `(?P<Z>${zoneNames})`,
  Exd: twoDay,
  Exm: "(?P<m>1[0-2]|0[1-9])",
  ExH: String.raw`(?P<H>2[0-3]|[0-1]\d)`,
  Exk: String.raw` ?(?P<H>2[0-3]|[0-1]\d|\d)`,
  Exl: " ?(?P<I>1[0-2]|0?[1-9])",
  ExM: String.raw`(?P<M>[0-5]\d)`,
  ExS: String.raw`(?P<S>6[0-1]|[0-5]\d)`,
  Exz: `(?P<z>(?:${zoneText}|[A-Z]{3,5}))`,
  ExZ: "(?P<Z>(?:[A-Z]{3,5}))",
};

/** Years from the start of this century to three from `nowYear`, decade by decade. */
function centuryYears(nowYear: number): string {
  const from = Math.floor(nowYear / 100) * 10;
  const to = Math.floor((nowYear + 3) / 10);
  const decades = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return String.raw`(?:${decades.join("|")})\d`;
}

/** A template of fields. `start` adds a second anchored form; `bounds` false leaves the word's edges open. */
export function fieldsTemplate(written: string, nowYear: number, where: string): DateTemplate {
  const open = written.startsWith("{UNB}");
  const start = written.startsWith("{^LN-BEG}");
  const pattern = written.replace(/^\{(?:UNB|\^LN-BEG)\}/, "");
  let regex = pattern.replace(/%(%|Ex[A-Za-z]|[A-Za-z])/g, (whole, field: string) => {
    if (field === "%") return "%";
    if (field === "ExY") return `(?P<Y>${centuryYears(nowYear)})`;
    if (field === "Exy") return String.raw`(?P<y>\d\d)`;
    return fields[field] ?? whole;
  });
  regex = withoutRepeatedNames(regex);
  const ignoreCase = /%[aAbBpc]/.test(pattern);
  const bound = bounded(regex, { open, start });
  return new RegexTemplate(written, pattern, "fields", { ...bound, ignoreCase, where });
}

/** A second field of the same name is the first one's rival; only one of them may have the name. */
function withoutRepeatedNames(regex: string): string {
  const seen = new Map<string, number>();
  return regex.replace(/\(\?P<([A-Za-z])>/g, (whole, name: string) => {
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? whole : `(?P<${name}${count}>`;
  });
}

interface Bounds {
  readonly open: boolean;
  readonly start: boolean;
}

/** Puts the date into the first group and the edges of a word around it, where the pattern does not say otherwise. */
function bounded(text: string, { open, start }: Bounds): { regex: string; anchored: boolean } {
  const wantsBegin = !open && !/^\(*(?:\(\?\w+\))*(?:\^|\(*\*\*|\((?:\?:)?\^)/.test(text);
  const wantsEnd = !open && !/(?<!\\)(?:\$\)?|\\b|\\s|\*\*\)*)$/.test(text);
  let regex = /(?<!\\)\((?!\?)/.test(text) ? text : `(${text})`;
  let anchored = false;
  if (wantsBegin) {
    anchored = start;
    regex = (start ? String.raw`^(?:\W{0,2})?` : String.raw`(?=^|\b|\W)`) + regex;
  }
  if (wantsEnd) regex += String.raw`(?=\b|\W|$)`;
  anchored ||= /^(?:\(\?\w+\))?\(*(?:\^|\(\?:\^(?!\|))/.test(regex);
  regex = regex.replace(/^((?:\(\?=\^\|\\b\|\\W\))?\(*)\*\*/, "$1").replace(/\*\*(\)*(?:\(\?=\\b\|\\W\|\$\))?)$/, "$1");
  return { regex, anchored };
}

const seconds = String.raw`\d{10,11}\b(?:\.\d{3,6})?`;
const longSeconds = String.raw`\d{10,11}(?:\d{3}(?:\.\d{1,6}|\d{3})?)?`;

/** Seconds since 1970: at the start of a line, in brackets, or after `audit(`. */
export function epochTemplate(name: string, options: { long: boolean; start: boolean }): DateTemplate {
  const digits = options.long ? longSeconds : seconds;
  const regex = options.start
    ? String.raw`^(?:\W{0,2})?(${digits})(?=\b|\W|$)`
    : String.raw`(?:^|(?<=^\[)(?=[\d.]+\])|(?<=\baudit\()(?=[\d.]+:\d+\)))(${digits})(?=\b|\W|$)`;
  const kind = options.long ? "long-epoch" : "epoch";
  return new RegexTemplate(name, name, kind, { regex, anchored: options.start, ignoreCase: false, where: name });
}

/** `{EPOCH}` or `{LEPOCH}` inside a pattern of one's own: the whole is cut out, the number is the date. */
export function embeddedEpochTemplate(written: string, where: string): DateTemplate {
  const long = /\{LEPOCH\}/.test(written);
  const start = written.startsWith("{^LN-BEG}");
  const text = written
    .replace(/^\{\^LN-BEG\}/, "")
    .replace(/(?<!\\)\{L?EPOCH\}/, () => `(?P<epoch>${long ? longSeconds : seconds})`);
  const bound = bounded(`(${text})`, { open: false, start });
  return new RegexTemplate(written, written, long ? "long-epoch" : "epoch", { ...bound, ignoreCase: false, where });
}

export function tai64nTemplate(name: string, start: boolean): DateTemplate {
  const regex = `${start ? String.raw`^(?:\W{0,2})?` : ""}@([0-9a-f]{24})`.replace("@(", "(@");
  return new RegexTemplate(name, name, "tai64n", { regex, anchored: start, ignoreCase: false, where: name });
}

export function noneTemplate(): DateTemplate {
  return new RegexTemplate("{NONE}", "{NONE}", "none", {
    regex: "^()",
    anchored: true,
    ignoreCase: false,
    where: "{NONE}",
  });
}

interface RegexOptions {
  readonly regex: string;
  readonly anchored: boolean;
  readonly ignoreCase: boolean;
  readonly where: string;
}

class RegexTemplate implements DateTemplate {
  readonly name: string;
  readonly pattern: string;
  readonly kind: DateTemplate["kind"];
  readonly anchored: boolean;
  readonly #options: RegexOptions;
  #regex: LineRegex | undefined;

  constructor(name: string, pattern: string, kind: DateTemplate["kind"], options: RegexOptions) {
    this.name = name;
    this.pattern = pattern;
    this.kind = kind;
    this.anchored = options.anchored;
    this.#options = options;
  }

  match(line: string): DateMatch | undefined {
    // Most templates are never asked: compiled at the first line.
    this.#regex ??= new LineRegex(markFirstGroup(this.#options.regex), this.#options);
    const found = this.#regex.match(line, isAsciiText(line));
    if (found === undefined) return undefined;
    const groups: Record<string, string | undefined> = {};
    for (const [i, name] of this.#regex.groups.entries()) groups[name] = found.values[i + 1];
    const text = groups["date_text"] ?? "";
    const before = groups["date_before"];
    const start = before === undefined ? line.indexOf(text, found.start) : found.start + before.length;
    return { start, end: start + text.length, groups, text };
  }
}

/** The first group without a name is the date; what stands before it is caught too, to know where the date begins. */
function markFirstGroup(regex: string): string {
  const at = regex.search(/(?<!\\)\((?!\?)/);
  const head = regex.slice(0, at);
  const body = `(?P<date_text>${regex.slice(at + 1)}`;
  // Open parentheses before the date cannot be closed around a new group: there the date's place is found by its text.
  return depthOf(head) === 0 ? `(?P<date_before>${head})${body}` : regex.slice(0, at) + body;
}

function depthOf(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "[") i = Math.max(i, text.indexOf("]", i + 2));
    else if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
  }
  return depth;
}
