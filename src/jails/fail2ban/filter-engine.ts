// One filter over lines: the date is cut out, `prefregex` narrows, the first `failregex` that matches speaks.

import { parseIp, printIp } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import { Connections, type Gathered } from "./connections.ts";
import { type DateSetting, resolveDate } from "./date-time.ts";
import { DateDetector, type FoundDate, makeDateTemplates } from "./dates.ts";
import { FailRegex, type Fields } from "./fail-regex.ts";
import { type Failure, findNamed, LineFailure } from "./failure.ts";
import type { FilterDefinition } from "./filter-reader.ts";
import { isAsciiText, type LineMatch } from "./line-regex.ts";

/** Longer lines are cut: a pattern's time grows with its text. */
const lineLengthMax = 8192;
/** As Fail2ban: a line without a date has the last date if that is no older. */
const lastDateMs = 60_000;
const dayMs = 86_400_000;

export interface EngineOptions {
  /** Milliseconds; asked once a line. */
  readonly now: () => number;
  readonly zoneMinutes?: number | undefined;
  /** Lines are messages of the journal: no date is looked for. */
  readonly journal?: boolean;
  /** True for the time of a line that is too old to be a failure: as Fail2ban, it is not matched at all. */
  readonly isOld?: (at: number) => boolean;
}

interface Piece {
  readonly text: string;
  readonly whole: string;
}

interface Search {
  readonly searched: string;
  readonly ascii: boolean;
  readonly before: Fields | undefined;
  readonly at: number;
  readonly window: Piece[];
}

interface Found {
  readonly failure: Failure | undefined;
  /** What stays in the window. */
  readonly rest: Piece[];
}

interface Resolved {
  readonly found: FoundDate;
  readonly now: number;
  readonly at: number | undefined;
}

export class FilterEngine {
  readonly #definition: FilterDefinition;
  readonly #options: EngineOptions;
  /** Made at the first line where the filter has no pattern of its own: the known forms are many, and never wrong. */
  #dates: DateDetector | undefined;
  readonly #prefix: FailRegex | undefined;
  readonly #fail: readonly FailRegex[];
  /** What they are called, as `failregex 2`. */
  readonly #names: readonly string[];
  readonly #ignore: readonly FailRegex[];
  /** As Fail2ban: few of them run before the others, and again with a match. */
  readonly #ignoresFirst: boolean;
  readonly #isSimple: boolean;
  readonly #connections = new Connections();
  readonly #multiline: boolean;
  readonly #leftOut = new Set<number>();
  #buffer: Piece[] = [];
  #running = "filter";
  #lastDate: number | undefined;
  #resolved: Resolved | undefined;

  /** A Problem with the place when something of the filter cannot run. */
  constructor(definition: FilterDefinition, options: EngineOptions) {
    this.#definition = definition;
    this.#options = options;
    const multiline = definition.maxlines > 1;
    this.#multiline = multiline;
    const names = definition.usedns !== "no";
    const make = (option: string) => (source: string) =>
      new FailRegex(source, { where: definition.where(option), multiline, names });
    this.#prefix = definition.prefregex === "" ? undefined : make("prefregex")(definition.prefregex);
    this.#fail = definition.failregex.map(make("failregex"));
    this.#names = this.#fail.map((_, index) => `failregex ${index + 1}`);
    this.#ignore = definition.ignoreregex.map(make("ignoreregex"));
    this.#ignoresFirst = this.#ignore.length > 0 && this.#ignore.length < this.#fail.length - 2;
    this.#isSimple = !multiline && this.#prefix === undefined && this.#fail.every(({ isPlain }) => isPlain);
    if (definition.datepattern.length > 0) this.#dates = this.#makeDates();
    if (!this.#prefix?.hasId) this.#requireIds();
  }

  #makeDates(): DateDetector {
    const { datepattern, where } = this.#definition;
    const nowYear = Math.max(new Date(this.#options.now()).getFullYear(), new Date().getFullYear());
    return new DateDetector(makeDateTemplates(datepattern, nowYear, where("datepattern")));
  }

  #requireIds(): void {
    const without = this.#fail.find((regex) => !regex.hasId);
    if (without === undefined) return;
    throw new Problem(`the regular expression names nobody: ${without.source}`, {
      code: "jails/regex",
      where: this.#definition.where("failregex"),
      hint: "put <HOST>, <ADDR> or <F-ID> into it",
    });
  }

  /** The regular expression that ran last, as `failregex 2`: one that takes too long is named by it. */
  get running(): string {
    return this.#running;
  }

  /** Goes on without a failregex. Without what makes a failregex careful, nothing goes on. */
  leaveOut(part: string): boolean {
    const number = /^failregex (\d+)$/.exec(part)?.[1];
    if (number === undefined) return false;
    this.#leftOut.add(Number(number) - 1);
    return this.#leftOut.size < this.#fail.length;
  }

  /** V8 makes a regular expression ready when it runs first and again when it ran often. */
  warmUp(): void {
    for (const regex of [...(this.#prefix === undefined ? [] : [this.#prefix]), ...this.#fail, ...this.#ignore]) {
      regex.match("\n", true);
      regex.match("warming up\n", true);
    }
  }

  /**
   * One line, without its end. At most one failure: the first regular expression that matches speaks. `isAscii`: whoever made the
   * text knows that it is.
   */
  see(whole: string, isAscii = false): Failure | undefined {
    const line = whole.length > lineLengthMax ? whole.slice(0, lineLengthMax) : whole;
    const now = this.#options.now();
    this.#running = "datepattern";
    const { text, at } = this.#options.journal ? { text: line, at: now } : this.#cutDate(line, now);
    if (this.#isSimple) return this.#seeSimple(`${text}\n`, line, at, isAscii);
    const piece = { text, whole: line };
    if (!this.#multiline) return this.#find([piece], at, isAscii)?.failure;
    const window = [...this.#buffer, piece].slice(-this.#definition.maxlines);
    const found = this.#find(window, at, false);
    // Only a line that came to its end is in the window: one that was interrupted is seen again.
    this.#buffer = found?.rest ?? window;
    return found?.failure;
  }

  /** As `see`, of a line with its LF: what begins like a line before it is matched without being put together anew. */
  seeEnded(ended: string, isAscii: boolean): Failure | undefined {
    const found = this.#isSimple && ended.length <= lineLengthMax ? this.#dates?.findAgain(ended) : undefined;
    if (found?.start !== 0 || this.#options.journal) return this.see(ended.slice(0, -1), isAscii);
    this.#running = "datepattern";
    const at = this.#timeOf(found, this.#options.now());
    return this.#seeSimple(ended.slice(found.end), ended, at, isAscii);
  }

  /** True when a line, with its LF, begins like one before it and is too old to be a failure; runs no pattern of anybody's. */
  isOld(ended: string): boolean {
    const { isOld, now } = this.#options;
    if (!this.#isSimple || isOld === undefined) return false;
    const found = this.#dates?.findAgain(ended);
    return found !== undefined && isOld(this.#timeOf(found, now()));
  }

  /** One line without its date, with its LF, and nothing to be done but to match it. */
  #seeSimple(searched: string, line: string, at: number, isAscii: boolean): Failure | undefined {
    // A connection that began long ago may fail just now: only what a line says alone is too old.
    if (this.#options.isOld?.(at)) return undefined;
    const ascii = isAscii || isAsciiText(searched);
    if (this.#ignoresFirst && this.#ignored(searched, ascii)) return undefined;
    for (let regex = 0; regex < this.#fail.length; regex++) {
      if (this.#leftOut.size > 0 && this.#leftOut.has(regex)) continue;
      this.#running = this.#names[regex] ?? "failregex";
      const pattern = this.#fail[regex];
      const match = pattern?.match(searched, ascii);
      if (pattern === undefined || match === undefined) continue;
      if (this.#ignore.length > 0 && this.#ignored(searched, ascii)) return undefined;
      const named = findNamed((group) => pattern.textOf(match, group), canonical);
      return named === undefined ? undefined : new LineFailure(named, at, line, { regex, pattern, match });
    }
    return undefined;
  }

  #find(window: Piece[], at: number, isAscii: boolean): Found | undefined {
    let searched = window.length === 1 ? `${window[0]?.text}\n` : `${window.map((one) => one.text).join("\n")}\n`;
    const ascii = isAscii || isAsciiText(searched);
    if (this.#ignoresFirst && this.#ignored(searched, ascii)) return undefined;
    let before: Fields | undefined;
    if (this.#prefix !== undefined) {
      this.#running = "prefregex";
      const match = this.#prefix.match(searched, ascii);
      if (match === undefined) return undefined;
      before = this.#prefix.fieldsOf(match);
      const content = before.get("content");
      if (typeof content === "string") searched = `${content}\n`;
      before.delete("content");
    }
    return this.#failure({ searched, ascii, before, at, window });
  }

  #failure({ searched, ascii, before, at, window }: Search): Found | undefined {
    for (let index = 0; index < this.#fail.length; index++) {
      if (this.#leftOut.size > 0 && this.#leftOut.has(index)) continue;
      this.#running = this.#names[index] ?? "failregex";
      const pattern = this.#fail[index];
      const match = pattern?.match(searched, ascii);
      if (pattern === undefined || match === undefined) continue;
      const { matched, rest } = this.#takeMatched(window, searched, pattern, match);
      const ignoreText = this.#definition.maxlines > 1 ? `${matched.map((one) => one.text).join("\n")}\n` : searched;
      if (this.#ignore.length > 0 && this.#ignored(ignoreText, ascii)) return { failure: undefined, rest };
      const fields: Fields = new Map([...(before ?? []), ...pattern.fieldsOf(match)]);
      const lines = matched.map((one) => one.whole);
      return { failure: this.#conclude(fields, lines, at, index), rest };
    }
    return undefined;
  }

  #ignored(text: string, ascii: boolean): boolean {
    this.#running = "ignoreregex";
    return this.#ignore.some((regex) => regex.match(text, ascii) !== undefined);
  }

  /** The lines of the window that a match covers; they leave the window, but for those it skipped. */
  #takeMatched(
    window: Piece[],
    text: string,
    pattern: FailRegex,
    match: LineMatch,
  ): { matched: readonly Piece[]; rest: Piece[] } {
    if (this.#definition.maxlines === 1) return { matched: window, rest: window };
    const first = count(text, text.lastIndexOf("\n", match.start) + 1);
    const last = count(text, text.indexOf("\n", Math.max(match.end - 1, 0)) + 1);
    const matched = window.slice(first, last);
    const rest = window.slice(0, first);
    for (const skipped of pattern.skippedOf(match)) {
      const at = matched.findIndex((piece) => piece.text === skipped);
      if (at >= 0) rest.push(...matched.splice(at, 1));
    }
    return { matched, rest: [...rest, ...window.slice(last)] };
  }

  #cutDate(line: string, now: number): { text: string; at: number } {
    this.#dates ??= this.#makeDates();
    const found = this.#dates.find(line);
    if (found === undefined) return { text: line, at: this.#undated(now) };
    const at = this.#timeOf(found, now);
    return { text: line.slice(0, found.start) + line.slice(found.end), at };
  }

  #timeOf(found: FoundDate, now: number): number {
    const resolved = this.#resolve(found, now);
    if (resolved !== undefined) this.#lastDate = resolved;
    return resolved ?? this.#undated(now);
  }

  /** Lines of one second have the same date, and those of one minute nearly: it is worked out once. */
  #resolve(found: FoundDate, now: number): number | undefined {
    const { like, text } = found;
    if (like === undefined) return text === "" ? undefined : this.#resolveOnce(found, now);
    const at = this.#resolveOnce(like.date, now);
    // A date without a year is no more than a day ahead: within that minute the one may be of this year and the other of the last.
    const isAtEdge = at === undefined || Math.abs(at - now - dayMs) < 60_000;
    return isAtEdge ? this.#resolveAnew(found, now) : at + like.laterMs;
  }

  #resolveOnce(found: FoundDate, now: number): number | undefined {
    const known = this.#resolved;
    if (known?.found === found && known.now === now) return known.at;
    const at = this.#resolveAnew(found, now);
    this.#resolved = { found, now, at };
    return at;
  }

  #resolveAnew(found: FoundDate, now: number): number | undefined {
    const setting: DateSetting = { now, zoneMinutes: this.#options.zoneMinutes };
    return resolveDate(found.template, found, setting);
  }

  #undated(now: number): number {
    const last = this.#lastDate;
    return last !== undefined && now - last < lastDateMs ? last : now;
  }

  #conclude(fields: Fields, lines: readonly string[], at: number, regex: number): Failure | undefined {
    const connection = fields.get("mlfid");
    if (typeof connection !== "string") {
      if (fields.get("nofail") || fields.get("mlfgained")) return undefined;
      return this.#identify(fields, lines, at, regex);
    }
    const gathered = this.#connections.merge(connection, fields, lines, at);
    if (gathered.nofail) return undefined;
    const failure = this.#identify(withUsers(gathered), gathered.matches, at, regex);
    if (failure === undefined) gathered.pending = true;
    return failure;
  }

  /** Who failed: undefined when the line names nobody. */
  #identify(fields: Fields, matches: readonly string[], at: number, regex: number): Failure | undefined {
    const named = findNamed((group) => textOf(fields, group), canonical);
    if (named === undefined) return undefined;
    const { id, ip } = named;
    if (ip !== undefined) fields.set("ip", ip);
    return { at, id, host: id, fields, matches, regex };
  }
}

/** An address as we write it; other texts as they are. IPv4 is read in one form only. */
function canonical(text: string): string {
  const ip = parseIp(text);
  return ip === undefined || !text.includes(":") ? text : printIp(ip);
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields.get(name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function withUsers(gathered: Gathered): Fields {
  const fields: Fields = new Map(gathered.fields);
  fields.delete("nofail");
  if (gathered.users !== undefined) fields.set("users", [...gathered.users]);
  return fields;
}

/** Line ends before `end`. */
function count(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
