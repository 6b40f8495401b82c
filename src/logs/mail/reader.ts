// The mail reader: bytes of a log become mail events. All work that every line needs is done on bytes; a string is made
// only of a message that by its first bytes may be an event of a wanted kind.

import { defaultMailKinds, type MailEvent, type MailEventDraft, type MailKind } from "../../core/event.ts";
import { LineSplitter } from "../../core/line.ts";
import { entryOfCollector } from "../collector-json.ts";
import { emptyHeader, type Header, readHeader } from "../header.ts";
import { entryOfJournal, type JournalEntry, JournalExport } from "../journald.ts";
import { TimeReader } from "../time.ts";
import { Zone } from "../zone.ts";
import { AuthOutage, isAuthSocketGone, uncheckedClient } from "./auth-outage.ts";
import { parseDovecot } from "./dovecot.ts";
import { plainKind } from "./plain-kind.ts";
import { type ParseMessage, postfixParsers } from "./postfix.ts";
import { mayBeEvent, type WantedLines, wantedLines } from "./prefilter.ts";
import { type Daemon, type Program, ProgramTable, parseProgram } from "./program.ts";

/** Kinds that are told without what else their lines say. */
export interface CountedKinds {
  readonly kinds: ReadonlySet<MailKind>;
  /** Instead of the event; other lines of these kinds may be told as events all the same. `at` as in the event. */
  readonly count: (kind: MailKind, at: number) => void;
}

export interface MailReaderOptions {
  /** The year of the first line, for stamps without one. */
  readonly year?: number | undefined;
  /** The zone of stamps without one; default: the machine's. */
  readonly zone?: Zone | undefined;
  /** Default: login, auth_failure, rate_limit, reject. */
  readonly kinds?: readonly MailKind[] | undefined;
  readonly counted?: CountedKinds | undefined;
  /** The present in ms, for stamps without a year where none is given. */
  readonly now: () => number;
  /** Hears of each client whose password the server could not look at. */
  readonly onUnchecked?: ((client: string) => void) | undefined;
}

/** What a line was. mail: of Postfix or Dovecot, without an event that is wanted. other: of another program. unknown: no form of log that we know. */
export type LineOutcome = "event" | "mail" | "other" | "unknown";

export type SeeMailEvent = (event: MailEvent) => void;

/** Reads one log, or several that follow one another. */
export interface MailReader {
  /** Reads a chunk and calls `emit` for each event of a line that ends in it; the chunk may be used again then. */
  see(chunk: Buffer, emit: SeeMailEvent): void;
  /** Reads the last line when it has no LF; the next chunk is of another file and starts with line 1. */
  end(emit: SeeMailEvent): void;
  /** One line without LF. */
  seeLine(bytes: Buffer, start: number, end: number, number: number, emit: SeeMailEvent): LineOutcome;
  /** Lines that were too long to be read. */
  readonly skipped: number;
}

/** A reader of mail events from syslog, journald and Dovecot's own files; it finds the form of headers by itself. */
export function createMailReader(options: MailReaderOptions): MailReader {
  return new ReaderOfMail(options);
}

const carriageReturn = 13;

class ReaderOfMail implements MailReader {
  readonly #splitter = new LineSplitter();
  readonly #header = emptyHeader();
  readonly #programs = new ProgramTable();
  readonly #times: TimeReader;
  readonly #kinds: ReadonlySet<MailKind>;
  readonly #wanted: WantedLines;
  readonly #outage = new AuthOutage();
  readonly #counted: CountedKinds | undefined;
  readonly #onUnchecked: ((client: string) => void) | undefined;
  #export: JournalExport | undefined;
  #exportLine = 0;

  constructor(options: MailReaderOptions) {
    this.#times = new TimeReader({ zone: options.zone ?? Zone.ofMachine(), year: options.year, now: options.now });
    this.#kinds = new Set(options.kinds ?? defaultMailKinds);
    this.#onUnchecked = options.onUnchecked;
    this.#counted = options.counted;
    this.#wanted = wantedLines(this.#kinds);
  }

  get skipped(): number {
    return this.#splitter.skipped;
  }

  see(chunk: Buffer, emit: SeeMailEvent): void {
    this.#splitter.split(chunk, (bytes, start, end, number) => this.seeLine(bytes, start, end, number, emit));
  }

  end(emit: SeeMailEvent): void {
    this.#splitter.end((bytes, start, end, number) => this.seeLine(bytes, start, end, number, emit));
    const entry = this.#export?.end();
    if (entry !== undefined) this.#seeEntry(entry, this.#exportLine, emit);
    this.#export = undefined;
  }

  seeLine(bytes: Buffer, start: number, end: number, number: number, emit: SeeMailEvent): LineOutcome {
    const stop = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
    if (this.#export !== undefined) return this.#seeExport(this.#export, bytes.subarray(start, end), number, emit);
    const first = bytes[start];
    if (first === 123 || first === 30 || first === 100) {
      // `{`, a record separator (json-seq), `data: {` (json-sse).
      const open = bytes.indexOf(123, start);
      if (open >= start && open <= start + 6 && open < stop && isJsonStart(bytes, start, open)) {
        return this.#seeJson(bytes.toString("utf8", open, stop), number, emit);
      }
    }
    if (first === 95 && bytes.toString("latin1", start, start + 9) === "__CURSOR=") {
      this.#export = new JournalExport();
      return "other";
    }
    return this.#seeSyslog(bytes, start, stop, number, emit);
  }

  #seeJson(text: string, number: number, emit: SeeMailEvent): LineOutcome {
    const object = parseObject(text);
    const said = object === undefined ? undefined : (entryOfJournal(object) ?? entryOfCollector(object));
    if (said === undefined) return "unknown";
    if (typeof said !== "string") return this.#seeEntry(said, number, emit);
    const line = Buffer.from(said);
    return this.#seeSyslog(line, 0, line.length, number, emit);
  }

  #seeSyslog(bytes: Buffer, start: number, end: number, number: number, emit: SeeMailEvent): LineOutcome {
    const header = this.#header;
    if (!readHeader(bytes, start, end, header)) return "unknown";
    this.#times.note(bytes, header);
    const program = this.#programs.find(bytes, header.programStart, header.programEnd);
    if (program.daemon === "other") return "other";
    if (!mayBeEvent(program.daemon, bytes, header.messageStart, end, this.#wanted)) return "mail";
    if (this.#counted !== undefined) {
      const kind = plainKind(program.daemon, bytes, header.messageStart, end);
      if (kind !== undefined && this.#counted.kinds.has(kind)) return this.#count(this.#counted, kind, bytes);
    }
    const message = bytes.toString("utf8", header.messageStart, end);
    const event = parseMessage(program, message);
    if (event === undefined) {
      if (isAuthSocketGone(message)) this.#outage.note(processOf(bytes, header), this.#times.at(bytes, header));
      else if (this.#onUnchecked !== undefined) this.#tellUnchecked(uncheckedClient(message));
      return "mail";
    }
    if (!this.#kinds.has(event.kind)) return "mail";
    const at = this.#times.at(bytes, header);
    if (isRefusal(event) && this.#outage.isLikely(at) && this.#outage.excuses(processOf(bytes, header), at)) {
      this.#tellUnchecked(event.ip);
      return "mail";
    }
    return tell(event, at, number, emit);
  }

  #count({ count }: CountedKinds, kind: MailKind, bytes: Buffer): LineOutcome {
    const at = this.#times.at(bytes, this.#header);
    if (Number.isNaN(at)) return "unknown";
    count(kind, at);
    return "event";
  }

  #seeExport(entries: JournalExport, line: Buffer, number: number, emit: SeeMailEvent): LineOutcome {
    if (line.length > 8 && line.toString("latin1", 0, 8) === "MESSAGE=") this.#exportLine = number;
    else if (line.toString("latin1", 0, 16) === "MESSAGE") this.#exportLine = number;
    const entry = entries.see(line);
    return entry === undefined ? "other" : this.#seeEntry(entry, this.#exportLine, emit);
  }

  #seeEntry(entry: JournalEntry, number: number, emit: SeeMailEvent): LineOutcome {
    const program = parseProgram(entry.program);
    if (program.daemon === "other") return "other";
    const event = parseMessage(program, entry.message);
    if (event === undefined) {
      if (isAuthSocketGone(entry.message)) this.#outage.note(processOfEntry(entry), entry.at);
      else if (this.#onUnchecked !== undefined) this.#tellUnchecked(uncheckedClient(entry.message));
      return "mail";
    }
    if (!this.#kinds.has(event.kind)) return "mail";
    const { at } = entry;
    if (isRefusal(event) && this.#outage.isLikely(at) && this.#outage.excuses(processOfEntry(entry), at)) {
      this.#tellUnchecked(event.ip);
      return "mail";
    }
    return tell(event, at, number, emit);
  }

  #tellUnchecked(ip: string | null | undefined): void {
    if (ip !== undefined && ip !== null) this.#onUnchecked?.(ip);
  }
}

/** The name and the process id. */
function processOfEntry({ program, pid }: JournalEntry): string {
  return `${program}[${pid}]`;
}

/** The JSON object that this is; a line cut short is not worth the parser's while. */
function parseObject(text: string): object | undefined {
  if (!text.endsWith("}")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function tell(event: MailEventDraft, at: number, number: number, emit: SeeMailEvent): LineOutcome {
  if (Number.isNaN(at)) return "unknown";
  event.at = at;
  event.line = number;
  emit(event);
  return "event";
}

function isRefusal(event: MailEventDraft): boolean {
  return event.kind === "auth_failure" && event.source === "postfix";
}

/** The name and the process id. */
function processOf(bytes: Buffer, header: Header): string {
  return bytes.toString("latin1", header.programStart, header.messageStart);
}

/** What a program's message says, without time and line. */
export function parseMessage(program: Program, message: string): MailEventDraft | undefined {
  if (message.startsWith("message repeated ")) return parseRepeated(program, message);
  return parsers[program.daemon](message, program);
}

const parsers: Readonly<Record<Daemon, ParseMessage>> = {
  ...postfixParsers,
  dovecot: parseDovecot,
  "dovecot-service": parseDovecot,
  other: () => undefined,
};

/** How often a message may be told to repeat: rsyslog tells of what came within a few minutes. */
const repeatedMax = 10_000;

/** `message repeated 3 times: [ what was said]`: rsyslog's reduction ($RepeatedMsgReduction), on by default in Debian. */
function parseRepeated(program: Program, message: string): MailEventDraft | undefined {
  const head = /^message repeated (\d{1,6}) times: \[ ?/.exec(message.slice(0, 60));
  if (head === null || !message.endsWith("]")) return undefined;
  const said = message.slice(head[0].length, -1);
  const event = said.startsWith("message repeated ") ? undefined : parseMessage(program, said);
  if (event !== undefined) event.attempts *= Math.min(repeatedMax, Math.max(1, Number(head[1])));
  return event;
}

function isJsonStart(bytes: Buffer, start: number, open: number): boolean {
  if (open === start) return true;
  return bytes[start] === 30 ? open === start + 1 : bytes.toString("latin1", start, open) === "data: ";
}
