// `log events`: what Postfix and Dovecot say in log files, one JSON object a line. Needs no daemon.

import type { Writable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import { defaultMailKinds, type MailEvent, type MailKind, mailKinds } from "../../core/event.ts";
import { openLog } from "../../logs/archive.ts";
import { readMailEvents } from "../../logs/events.ts";
import { drained } from "../drained.ts";
import { parseYear, parseZone, usageProblem } from "../log-options.ts";

interface LogEventsOptions {
  readonly log: readonly string[];
  readonly year?: string;
  readonly zone?: string;
  readonly kinds?: string;
  readonly format: string;
}

/** Bytes gathered before they are written: fewer, larger writes. */
const penBytes = 128 * 1024;
const freeMax = 16;

/** The command `events`, to be put under `log`. */
export function logEventsCommand(): Command {
  return new Command("events")
    .description(
      "print what Postfix and Dovecot say in log files: logins, refused passwords, limits, rejects, deliveries",
    )
    .requiredOption("--log <file...>", "log files, plain or .gz .bz2 .xz .zst, in the order they were written")
    .option("--year <yyyy>", "the year of the first line, for time stamps without one")
    .option("--zone <zone>", "the zone of time stamps without one, as Europe/Kyiv or +02:00 (default: TZ)")
    .option(
      "--kinds <kinds>",
      `kinds separated by commas, or all: ${mailKinds.join(", ")} (default: ${defaultMailKinds.join(", ")})`,
    )
    .option("--format <format>", "ndjson", "ndjson")
    .option("--json", "the same as --format ndjson")
    .action((options: LogEventsOptions) => printLogEvents(options, process.stdout, process.stderr));
}

/** Prints the events of the files to `output`; a Problem when an option or a file is wrong. Ends quietly when nobody reads. */
export async function printLogEvents(options: LogEventsOptions, output: Writable, errors: Writable): Promise<void> {
  if (options.format !== "ndjson") throw usageProblem("--format", `there is no format ${options.format}`, "ndjson");
  const year = parseYear(options.year);
  const zone = parseZone(options.zone);
  const kinds = parseKinds(options.kinds);
  for (const path of options.log) await (await openLog(path)).close();
  // Every event dies young: a larger nursery would only make the process larger (200 MB instead of 130 after 10 M lines).
  setFlagsFromString("--semi-space-growth-factor=1");
  const pen = new Pen(output);
  const warn = (text: string) => void errors.write(`${text}\n`);
  const several = options.log.length > 1;
  const see = (event: MailEvent, path: string) =>
    pen.add(eventJson(event, pen.timeText(event.at), several ? path : undefined));
  await readMailEvents(options.log, { year, zone, kinds, warn, now: Date.now }, { see, pause: () => pen.flush() });
}

function parseKinds(text: string | undefined): readonly MailKind[] {
  if (text === undefined) return defaultMailKinds;
  if (text === "all") return mailKinds;
  return text.split(",").map((word) => {
    const kind = mailKinds.find((name) => name === word.trim());
    if (kind === undefined)
      throw usageProblem("--kinds", `there is no kind ${word}`, `all, or ${mailKinds.join(", ")}`);
    return kind;
  });
}

/** One event as one line; a kind's own fields follow those that every event has. Addresses and ids need no quoting. */
function eventJson(event: MailEvent, time: string, path: string | undefined): string {
  const ip = event.ip === null ? "null" : `"${event.ip}"`;
  const id = event.queueId === null ? "null" : `"${event.queueId}"`;
  const file = path === undefined ? "" : `,"file":${quote(path)}`;
  return `{"line":${event.line},"time":"${time}","kind":"${event.kind}","ip":${ip},"user":${quote(event.user)},"method":${quote(event.method)},"queue_id":${id},"reason":${quote(event.reason)},"service":${quote(event.service)}${ownFields(event)}${file}}\n`;
}

function ownFields(event: MailEvent): string {
  switch (event.kind) {
    case "auth_failure":
      return event.attempts > 1 ? `,"attempts":${event.attempts}` : "";
    case "queued":
      return `,"sender":${quote(event.sender)},"recipients":${event.recipients},"size":${event.sizeBytes}`;
    case "bounced":
      return `,"recipient":${quote(event.recipient)},"sender":${quote(event.sender)}`;
    case "sent":
    case "deferred":
      return `,"recipient":${quote(event.recipient)}`;
    default:
      return "";
  }
}

/** A JSON string; everything that could act on a terminal is escaped. */
function quote(text: string | null): string {
  if (text === null) return "null";
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (ch) => `\\u${ch.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Writes lines to a stream at the pace of its reader. */
class Pen {
  readonly #output: Writable;
  #bytes: Buffer = Buffer.allocUnsafeSlow(penBytes);
  #length = 0;
  /** Buffers that were written out; new ones would keep the garbage collector busy. */
  readonly #free: Buffer[] = [];
  #closed = false;
  #second = Number.NaN;
  #secondText = "";

  constructor(output: Writable) {
    this.#output = output;
    // A reader that went away (`| head`) is no mistake.
    const close = () => {
      this.#closed = true;
    };
    output.on("error", close);
    output.on("close", close);
  }

  add(line: string): void {
    // A character of UTF-16 takes three bytes of UTF-8 at most.
    if (this.#length + line.length * 3 > this.#bytes.length) this.#write(line.length * 3);
    this.#length += this.#bytes.write(line, this.#length);
  }

  /** RFC 3339 in UTC, without a fraction where there is none. Many lines of a log share a second. */
  timeText(at: number): string {
    const second = Math.floor(at / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, -5);
    }
    const ms = at - second * 1000;
    return ms === 0 ? `${this.#secondText}Z` : `${this.#secondText}.${String(ms).padStart(3, "0")}Z`;
  }

  /** Waits until the reader wants more; false when nobody reads any more. */
  async flush(): Promise<boolean> {
    if (this.#length > 0) this.#write(0);
    if (this.#output.writableNeedDrain && !this.#closed) await drained(this.#output);
    return !this.#closed;
  }

  #write(sizeMin: number): void {
    const bytes = this.#bytes;
    if (!this.#closed && this.#length > 0) {
      this.#output.write(bytes.subarray(0, this.#length), () => {
        if (bytes.length === penBytes && this.#free.length < freeMax) this.#free.push(bytes);
      });
    }
    const free = sizeMin <= penBytes ? this.#free.pop() : undefined;
    this.#bytes = free ?? Buffer.allocUnsafeSlow(Math.max(penBytes, sizeMin));
    this.#length = 0;
  }
}
