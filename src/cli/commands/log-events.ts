// `log events`: what Postfix and Dovecot say in log files, one JSON object a line. Needs no daemon.

import type { Writable } from "node:stream";
import { Command } from "commander";
import { defaultMailKinds, type MailEvent, type MailKind, mailKinds } from "../../core/event.ts";
import { Problem } from "../../core/problem.ts";
import { openLog } from "../../logs/archive.ts";
import { readMailEvents } from "../../logs/events.ts";
import { Zone } from "../../logs/zone.ts";

interface LogEventsOptions {
  readonly log: readonly string[];
  readonly year?: string;
  readonly zone?: string;
  readonly kinds?: string;
  readonly format: string;
}

/** Text gathered before it is written: fewer, larger writes. */
const textMax = 64 * 1024;

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
    .action((options: LogEventsOptions) => printLogEvents(options, process.stdout, process.stderr));
}

/** Prints the events of the files to `output`; a Problem when an option or a file is wrong. Ends quietly when nobody reads. */
export async function printLogEvents(options: LogEventsOptions, output: Writable, errors: Writable): Promise<void> {
  if (options.format !== "ndjson") throw usage("--format", `there is no format ${options.format}`, "ndjson");
  const year = parseYear(options.year);
  const zone = parseZone(options.zone);
  const kinds = parseKinds(options.kinds);
  for (const path of options.log) await (await openLog(path)).close();
  const pen = new Pen(output);
  const warn = (text: string) => void errors.write(`${text}\n`);
  const several = options.log.length > 1;
  for await (const { path, events } of readMailEvents(options.log, { year, zone, kinds, warn, now: Date.now })) {
    const file = several ? `,"file":${quote(path)}` : "";
    for (const event of events) pen.add(eventJson(event, file));
    if (!(await pen.flush())) return;
  }
}

function usage(where: string, message: string, hint: string): Problem {
  return new Problem(message, { code: "usage", where, hint });
}

function parseYear(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const year = /^\d{4}$/.test(text) ? Number(text) : 0;
  if (year < 1970 || year > 2200) throw usage("--year", `${text} is no year`, "four digits, as 2026");
  return year;
}

function parseZone(text: string | undefined): Zone | undefined {
  if (text === undefined) return undefined;
  const zone = Zone.parse(text);
  if (zone === undefined)
    throw usage("--zone", `there is no zone ${text}`, "a name as Europe/Kyiv, UTC, or an offset as +02:00");
  return zone;
}

function parseKinds(text: string | undefined): readonly MailKind[] {
  if (text === undefined) return defaultMailKinds;
  if (text === "all") return mailKinds;
  return text.split(",").map((word) => {
    const kind = mailKinds.find((name) => name === word.trim());
    if (kind === undefined) throw usage("--kinds", `there is no kind ${word}`, `all, or ${mailKinds.join(", ")}`);
    return kind;
  });
}

/** One event as one line; a kind's own fields follow those that every event has. */
function eventJson(event: MailEvent, file: string): string {
  const head = `{"line":${event.line},"time":"${timeText(event.at)}","kind":"${event.kind}","ip":${quote(event.ip)},"user":${quote(event.user)}`;
  const tail = `,"method":${quote(event.method)},"queue_id":${quote(event.queueId)},"reason":${quote(event.reason)},"service":${quote(event.service)}`;
  return `${head}${tail}${ownFields(event)}${file}}\n`;
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

/** RFC 3339 in UTC, without a fraction where there is none. */
function timeText(at: number): string {
  const text = new Date(at).toISOString();
  return text.endsWith(".000Z") ? `${text.slice(0, 19)}Z` : text;
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

/** Writes to a stream at the pace of its reader. */
class Pen {
  readonly #output: Writable;
  #text = "";
  #closed = false;

  constructor(output: Writable) {
    this.#output = output;
    // A reader that went away (`| head`) is no mistake.
    output.on("error", () => {
      this.#closed = true;
    });
    output.on("close", () => {
      this.#closed = true;
    });
  }

  add(text: string): void {
    this.#text += text;
    if (this.#text.length > textMax) this.#write();
  }

  /** True when everything is on its way; false when nobody reads any more. */
  async flush(): Promise<boolean> {
    this.#write();
    if (this.#output.writableNeedDrain && !this.#closed) {
      await new Promise<void>((resolve) => {
        const go = () => {
          this.#output.off("drain", go);
          this.#output.off("close", go);
          this.#output.off("error", go);
          resolve();
        };
        this.#output.on("drain", go);
        this.#output.on("close", go);
        this.#output.on("error", go);
      });
    }
    return !this.#closed;
  }

  #write(): void {
    if (!this.#closed && this.#text !== "") this.#output.write(this.#text);
    this.#text = "";
  }
}
