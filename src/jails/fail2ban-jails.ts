// Fail2ban's jails over lines: one scan of a piece's bytes for all of them, then each filter over the few lines that may concern it.

import { isAscii } from "node:buffer";
import type { MailEvent } from "../core/event.ts";
import { type Ip, type Network, parseNetwork, printNetwork, widthOf } from "../core/ip.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { Failure } from "./fail2ban/failure.ts";
import { FilterEngine } from "./fail2ban/filter-engine.ts";
import { IgnoreList, type IgnoreSources } from "./fail2ban/ignore-list.ts";
import type { JailDefinition } from "./fail2ban/jail-reader.ts";
import { usesJournal } from "./fail2ban-config.ts";
import type { FailureBudget } from "./failure-budget.ts";
import { GuardedFilter } from "./filter.ts";
import { findSlowPatterns, type SlowPattern } from "./filter-check/slow-patterns.ts";
import { needsOf } from "./filter-needs.ts";
import { FilterSet, type LineForFilter } from "./filter-set.ts";
import { fitsGlob } from "./glob.ts";
import { HeldTickets } from "./held-tickets.ts";
import { Jail } from "./jail.ts";
import { fitsJournalMatch, parseJournalLine } from "./journal-line.ts";
import type { LineMemory } from "./line-memory.ts";
import { LiteralScan } from "./literal-scan.ts";
import type { Literal } from "./literals.ts";
import { isOwnFault } from "./own-fault.ts";
import type { Ticket } from "./ticket.ts";

export interface Fail2banJailsOptions {
  readonly definitions: readonly JailDefinition[];
  readonly method: "sliding" | "estimate";
  readonly lines: LineMemory;
  readonly isTrusted: (address: Ip) => boolean;
  /** ms since the epoch. */
  readonly now: () => number;
  /** When something with a stamp counts as having happened. */
  readonly timeOf: (at: number, now: number, isLive: boolean) => number;
  /** All jails' together. */
  readonly budget: FailureBudget;
  /** Whom the lists of who is ignored ask. */
  readonly outside: IgnoreSources;
}

const lf = 10;
/** The stream of `[[logs]] journal = true`. */
const journalStream = "journal";
/** Which jails want a stream is remembered of so many. */
const streamsMax = 1_000;

interface Running {
  readonly jail: Jail;
  readonly definition: JailDefinition;
  /** Its filter's number in the set. */
  readonly number: number;
  readonly ignored: IgnoreList;
  readonly isJournal: boolean;
  /** Patterns that a short line can make run for ages; undefined until somebody had the time to look. */
  slow: readonly SlowPattern[] | undefined;
}

/** The jails that want the lines of one stream, and the scan that finds their lines. */
interface Audience {
  readonly running: readonly Running[];
  readonly scan: LiteralScan | undefined;
  /** Indexes of the jails that need a literal, by its number. */
  readonly wantedBy: readonly (readonly number[])[];
  /** Jails that must see every line. */
  readonly seeAll: readonly number[];
}

export class Fail2banJails {
  readonly #options: Fail2banJailsOptions;
  readonly #running: readonly Running[];
  readonly #engines: readonly FilterEngine[];
  readonly #filters: FilterSet;
  readonly #guard: GuardedFilter<Failure, LineForFilter>;
  readonly #audiences = new Map<string, Audience>();
  readonly #held = new HeldTickets();
  #isLive = false;

  constructor(options: Fail2banJailsOptions) {
    this.#options = options;
    this.#running = options.definitions.map((definition, number) => this.#makeRunning(definition, number));
    this.#engines = this.#running.map((running) => this.#makeEngine(running));
    this.#filters = new FilterSet(this.#engines);
    this.#guard = new GuardedFilter(this.#filters);
  }

  get jails(): readonly Jail[] {
    return this.#running.map(({ jail }) => jail);
  }

  /** Patterns of a jail that are left alone, because they took too long, and those that a short line can make take too long. */
  troublesOf(name: string): readonly string[] {
    const running = this.#running.find(({ definition }) => definition.name === name);
    if (running === undefined) return [];
    const own = `${running.number}: `;
    const parts = this.#guard.leftOut.filter((part) => part.startsWith(own)).map((part) => part.slice(own.length));
    const troubles = [
      ...parts.map((part) => `${part} took too long three times and is left alone`),
      ...(running.slow ?? []).map(({ option, number }) => `a short line can make ${option} ${number} run for ages`),
    ];
    return this.#filters.isEnded(running.number) ? [...troubles, "nothing of the filter runs any more"] : troubles;
  }

  /** The lines of a piece; `events` are those that logs/mail found in it, in the order of lines. */
  see(batch: LineBatch, events: readonly MailEvent[]): readonly Ticket[] {
    const audience = this.#audienceOf(batch.stream);
    if (audience.running.length === 0) return [];
    this.#isLive = batch.isLive;
    const candidates = candidatesIn(batch, audience);
    if (candidates.every((lines) => lines.length === 0)) return [];
    const asked = this.#askedOf(audience, candidates, new LineTexts(batch));
    if (asked.length === 0) return [];
    const tickets: Ticket[] = [];
    this.#guard.seeAll(asked, (seen, index) => {
      const one = asked[index];
      if (seen.kind === "failure" && one !== undefined) this.#take(seen.failure, one, batch, events, tickets);
    });
    return tickets;
  }

  #askedOf({ running: all }: Audience, candidates: readonly (readonly number[])[], texts: LineTexts): Asked[] {
    const asked: Asked[] = [];
    for (const [i, running] of all.entries()) this.#ask(running, candidates[i] ?? [], texts, asked);
    return asked;
  }

  /** What is known to be too old is not asked about: a piece of nothing else needs no watch. */
  #ask(running: Running, lines: readonly number[], texts: LineTexts, asked: Asked[]): void {
    const engine = this.#engines[running.number];
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as number;
      if (!running.isJournal && engine?.isOld(texts.get(line)) === true) continue;
      const one = ask(running, line, texts);
      if (one !== undefined && (one.at === undefined || !this.#isOld(running.jail, one.at))) asked.push(one);
    }
  }

  #take(failure: Failure, one: Asked, batch: LineBatch, events: readonly MailEvent[], tickets: Ticket[]): void {
    const { running, line, ended } = one;
    const found = { failure, at: one.at ?? failure.at, line, ended };
    const made = this.#fail(running, found, batch, eventIn(events, line));
    for (let i = 0; i < made.length; i++) tickets.push(made[i] as Ticket);
  }

  #fail(
    running: Running,
    { failure, at, line, ended }: { failure: Failure; at: number; line: number; ended: string },
    batch: LineBatch,
    event: MailEvent | undefined,
  ): readonly Ticket[] {
    const { jail, ignored } = running;
    const { counts } = jail;
    const now = batch.readAt;
    if (this.#isOld(jail, at)) return [];
    if (isOwnFault(ended, event)) {
      counts.own_fault++;
      return [];
    }
    const network = parseNetwork(failure.id);
    if (network === undefined) {
      counts.unusable++;
      return [];
    }
    // Only our own text: one that was cut out of a line keeps the line in memory.
    const id = printNetwork(network);
    if (event !== undefined && event.ip !== null && event.ip !== failure.host && event.ip !== id) {
      counts.forged++;
      return [];
    }
    const isTrusted = network.length === widthOf(network.ip) && this.#options.isTrusted(network.ip);
    if (isTrusted || ignored.has(network.ip)) {
      counts.exempt++;
      return [];
    }
    const failed = {
      at: this.#options.timeOf(at, now, batch.isLive),
      line: this.#options.lines.keep(batch.bytes, batch.starts[line] ?? 0, batch.ends[line] ?? 0),
      mark: 0,
    };
    const tickets = jail.fail(id, failed, now);
    if (tickets.length === 0 || (ignored.isReady && !ignored.asks)) return tickets;
    for (const ticket of tickets) this.#hold(running, ticket, { network, failure, now });
    return [];
  }

  #isOld(jail: Jail, at: number): boolean {
    const now = this.#options.now();
    return jail.isOld(this.#options.timeOf(at, now, this.#isLive), now);
  }

  #hold(
    { jail, ignored }: Running,
    ticket: Ticket,
    { network, failure, now }: { network: Network; failure: Failure; now: number },
  ): void {
    const values = (tag: string) => tagValue(tag, network, failure);
    const held = this.#held.hold(ticket, async () => {
      if (!ignored.isReady) await ignored.refresh(now);
      const excused = ignored.has(network.ip) || (await ignored.isExcused(values, now));
      if (excused) jail.counts.exempt++;
      return excused;
    });
    if (!held) jail.counts.exempt++;
  }

  /** Looks after who is ignored, and gives the tickets whose answer has come. About once a second. */
  due(now: number): readonly Ticket[] {
    this.#lookForSlow();
    for (const { ignored } of this.#running) void ignored.refresh(now).catch(() => {});
    return this.#held.take();
  }

  /** One jail at a time: some patterns take long to show that they are quick, and lines do not wait for that. */
  #lookForSlow(): void {
    const running = this.#running.find(({ slow }) => slow === undefined);
    if (running !== undefined) running.slow = findSlowPatterns(running.definition.filter, { soonOnly: true });
  }

  #makeEngine({ definition: { filter, logtimezoneMinutes: zoneMinutes }, isJournal, jail }: Running): FilterEngine {
    const { now } = this.#options;
    // A line of the journal has its own time, and was asked before.
    const isOld = isJournal ? {} : { isOld: (at: number) => this.#isOld(jail, at) };
    return new FilterEngine(filter, { now, zoneMinutes, journal: isJournal, ...isOld });
  }

  #makeRunning(definition: JailDefinition, number: number): Running {
    const { method, lines, budget } = this.#options;
    const { name, maxretry, findtimeSeconds, bantimeSeconds, ignore } = definition;
    const isJournal = usesJournal(definition);
    const setting = {
      ...{ name, maxretry, method, what: "failures", ipv6Prefix: 128 as const, subnets: undefined },
      findtimeMs: findtimeSeconds * 1000,
      bantimeMs: bantimeSeconds < 0 ? undefined : bantimeSeconds * 1000,
    };
    return {
      ...{ definition, number, isJournal, jail: new Jail(setting, lines, budget) },
      slow: undefined,
      ignored: new IgnoreList(ignore, this.#options.outside),
    };
  }

  #audienceOf(stream: string): Audience {
    const known = this.#audiences.get(stream);
    if (known !== undefined) return known;
    if (this.#audiences.size >= streamsMax) this.#audiences.clear();
    const made = audienceOf(this.#running.filter((running) => wants(running, stream)));
    this.#audiences.set(stream, made);
    return made;
  }
}

/** What a tag of `ignorecommand` says of a failure. */
function tagValue(tag: string, network: Network, failure: Failure): string | undefined {
  if (tag === "ip" || tag === "fid") return printNetwork(network);
  if (tag === "family") return network.ip.family === 4 ? "inet4" : "inet6";
  if (tag === "time") return String(Math.floor(failure.at / 1000));
  if (tag === "matches" || tag === "ipmatches" || tag === "ipjailmatches") return failure.matches.join("\n");
  const field = /^F-(.*)$/.exec(tag)?.[1]?.toLowerCase();
  const value = field === undefined ? undefined : failure.fields.get(field);
  return value === undefined ? undefined : [value].flat().join(" ");
}

/** One line for one filter. */
interface Asked extends LineForFilter {
  readonly running: Running;
  readonly line: number;
  /** Of the journal, which knows; of other lines the filter finds it. */
  readonly at: number | undefined;
}

function ask(running: Running, line: number, texts: LineTexts): Asked | undefined {
  const filter = running.number;
  const ended = texts.get(line);
  if (!running.isJournal) return { running, filter, line, ended, isAscii: texts.isAscii, at: undefined };
  const entry = parseJournalLine(ended);
  if (entry === undefined || !fitsJournalMatch(running.definition.filter.journalmatch, entry.fields)) return undefined;
  // What JSON writes in ASCII may be anything.
  return { running, filter, line, ended: `${entry.text}\n`, isAscii: false, at: entry.at };
}

/** The event of a line; events are in the order of lines, one a line at most. */
function eventIn(events: readonly MailEvent[], line: number): MailEvent | undefined {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle]?.line ?? 0) < line) low = middle + 1;
    else high = middle;
  }
  return events[low]?.line === line ? events[low] : undefined;
}

function wants({ isJournal, definition }: Running, stream: string): boolean {
  if (stream === journalStream) return isJournal;
  return !isJournal && definition.logpaths.some(({ glob }) => fitsGlob(glob, stream));
}

function audienceOf(running: readonly Running[]): Audience {
  const literals: Literal[] = [];
  const wantedBy: number[][] = [];
  const seeAll: number[] = [];
  for (const [i, { definition, isJournal }] of running.entries()) {
    const needs = needsOf(definition.filter, isJournal);
    if (needs === undefined) seeAll.push(i);
    for (const literal of needs ?? []) {
      const at = literals.findIndex(
        ({ text, ignoreCase }) => text === literal.text && ignoreCase === literal.ignoreCase,
      );
      if (at >= 0) wantedBy[at]?.push(i);
      else {
        literals.push(literal);
        wantedBy.push([i]);
      }
    }
  }
  return { running, wantedBy, seeAll, scan: literals.length === 0 ? undefined : new LiteralScan(literals) };
}

/** Indexes of the lines that each jail must see. */
function candidatesIn({ bytes, starts, ends, count }: LineBatch, audience: Audience): readonly (readonly number[])[] {
  const candidates: number[][] = audience.running.map(() => []);
  for (const i of audience.seeAll) for (let line = 0; line < count; line++) candidates[i]?.push(line);
  let line = 0;
  audience.scan?.scan(bytes, ends[count - 1] ?? 0, (id, at) => {
    while (line < count && (ends[line] ?? 0) <= at) line++;
    // It stands in what was too long to be a line.
    if (line >= count || at < (starts[line] ?? 0)) return;
    for (const i of audience.wantedBy[id] ?? []) {
      const lines = candidates[i];
      if (lines !== undefined && lines.at(-1) !== line) lines.push(line);
    }
  });
  return candidates;
}

/** Texts of lines with their LF, made when they are asked for: several filters look at the same line. */
class LineTexts {
  /** All lines are of ASCII alone. */
  readonly isAscii: boolean;
  readonly #batch: LineBatch;
  readonly #made: (string | undefined)[];

  constructor(batch: LineBatch) {
    this.#batch = batch;
    this.isAscii = isAscii(batch.bytes);
    this.#made = new Array(batch.count);
  }

  get(line: number): string {
    const known = this.#made[line];
    if (known !== undefined) return known;
    const text = this.#make(line);
    this.#made[line] = text;
    return text;
  }

  /** UTF-8 where the bytes are, Latin-1 where they are not. */
  #make(line: number): string {
    const { bytes, starts, ends } = this.#batch;
    const start = starts[line] ?? 0;
    const end = ends[line] ?? 0;
    if (this.isAscii) {
      if (bytes[end] === lf) return bytes.toString("latin1", start, end + 1);
      return `${bytes.toString("latin1", start, end)}\n`;
    }
    const text = bytes.toString("utf8", start, end);
    return `${text.includes("\ufffd") ? bytes.toString("latin1", start, end) : text}\n`;
  }
}
