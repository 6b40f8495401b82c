// `log events`: what Postfix and Dovecot say in log files, one JSON object a line. Needs no daemon.

import type { Writable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import { defaultMailKinds, type MailEvent, type MailKind, mailKinds } from "../../core/event.ts";
import { openLog } from "../../logs/archive.ts";
import { readMailEvents } from "../../logs/events.ts";
import { JsonPen, jsonBytes } from "../json-pen.ts";
import { parseYear, parseZone, usageProblem } from "../log-options.ts";

interface LogEventsOptions {
  readonly log: readonly string[];
  readonly year?: string;
  readonly zone?: string;
  readonly kinds?: string;
  readonly format: string;
}

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
  const pen = new JsonPen(output);
  const warn = (text: string) => void errors.write(`${text}\n`);
  const several = options.log.length > 1;
  const see = (event: MailEvent, path: string) => writeEvent(pen, event, several ? path : undefined);
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

const lineKey = jsonBytes('{"line":');
const timeKey = jsonBytes(',"time":');
const kindKeys = new Map(mailKinds.map((kind) => [kind, jsonBytes(`,"kind":"${kind}","ip":`)]));
const userKey = jsonBytes(',"user":');
const methodKey = jsonBytes(',"method":');
const queueIdKey = jsonBytes(',"queue_id":');
const reasonKey = jsonBytes(',"reason":');
const serviceKey = jsonBytes(',"service":');
const attemptsKey = jsonBytes(',"attempts":');
const senderKey = jsonBytes(',"sender":');
const recipientsKey = jsonBytes(',"recipients":');
const sizeKey = jsonBytes(',"size":');
const recipientKey = jsonBytes(',"recipient":');
const fileKey = jsonBytes(',"file":');
const lineEnd = jsonBytes("}\n");

/** One event as one line; a kind's own fields follow those that every event has. */
function writeEvent(pen: JsonPen, event: MailEvent, path: string | undefined): void {
  pen.raw(lineKey);
  pen.number(event.line);
  pen.raw(timeKey);
  pen.time(event.at);
  pen.raw(kindKeys.get(event.kind) ?? lineEnd);
  pen.text(event.ip);
  writeText(pen, userKey, event.user);
  writeText(pen, methodKey, event.method);
  writeText(pen, queueIdKey, event.queueId);
  writeText(pen, reasonKey, event.reason);
  writeText(pen, serviceKey, event.service);
  writeOwnFields(pen, event);
  if (path !== undefined) writeText(pen, fileKey, path);
  pen.raw(lineEnd);
}

function writeOwnFields(pen: JsonPen, event: MailEvent): void {
  switch (event.kind) {
    case "auth_failure":
      if (event.attempts > 1) writeNumber(pen, attemptsKey, event.attempts);
      return;
    case "queued":
      writeText(pen, senderKey, event.sender);
      writeNumber(pen, recipientsKey, event.recipients ?? 0);
      writeNumber(pen, sizeKey, event.sizeBytes ?? 0);
      return;
    case "bounced":
      writeText(pen, recipientKey, event.recipient);
      writeText(pen, senderKey, event.sender);
      return;
    case "sent":
    case "deferred":
      writeText(pen, recipientKey, event.recipient);
      return;
    default:
  }
}

function writeText(pen: JsonPen, key: Buffer, text: string | null): void {
  pen.raw(key);
  pen.text(text);
}

function writeNumber(pen: JsonPen, key: Buffer, value: number): void {
  pen.raw(key);
  pen.number(value);
}
