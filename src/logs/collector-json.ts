// Lines of collectors that are JSON objects: containers' own logs (json-file), and what rsyslog, syslog-ng and log shippers write
// when they are told to write JSON. A program's name is taken from a field for it only: a message may be anybody's.

import type { JournalEntry } from "./journald.ts";

/** The names that collectors give to a field, in small letters; the first that an object has counts. */
const programNames = [
  "program",
  "programname",
  "syslog_identifier",
  "app-name",
  "app_name",
  "appname",
  "syslogtag",
  "ident",
];
const pidNames = ["pid", "procid", "process_id", "syslog_pid", "_pid"];
const messageNames = ["message", "msg", "short_message"];
const timeNames = [
  "__realtime_timestamp",
  "@timestamp",
  "timestamp",
  "isodate",
  "timereported",
  "timegenerated",
  "time",
  "date",
];

/**
 * What a JSON object of a collector says: an entry, or a whole line of a log.
 * Undefined when it is neither, or names no time that is one.
 */
export function entryOfCollector(object: object): JournalEntry | string | undefined {
  const fields = new Map<string, unknown>(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
  const line = fields.get("log");
  const stamp = fields.get("time");
  if (typeof line === "string" && typeof stamp === "string" && fields.has("stream")) return lineOf(line, stamp);
  const program = textOf(fields, programNames);
  const message = textOf(fields, messageNames);
  const at = timeOf(fields);
  if (program === undefined || message === undefined || at === undefined) return undefined;
  // A tag may carry it: `postfix/smtpd[4711]:`.
  const tag = /^(.*?)(?:\[(\d*)\])?:?$/s.exec(program);
  const pid = tag?.[2] || pidOf(fields);
  return { at, program: tag?.[1] ?? program, pid, message: message.replace(/^ /, "") };
}

/**
 * Behind the container's stamp, which has a zone: a line without a year, and one of a daemon that logs to the container's output
 * without a time. Its name is the first word; anything else that has no stamp is no daemon's.
 */
function lineOf(text: string, stamp: string): string {
  const line = text.replace(/\r?\n$/, "");
  return /^(?:[\w/.+-]{1,60}(?:\[\d{1,10}\])?: |[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )/.test(line)
    ? `${stamp} ${line}`
    : line;
}

/** A process's number, written as a number or as text; empty when there is none. */
function pidOf(fields: Map<string, unknown>): string {
  const found = pidNames.map((name) => fields.get(name)).find((value) => value !== undefined);
  return typeof found === "number" || typeof found === "string" ? String(found) : "";
}

function textOf(fields: Map<string, unknown>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fields.get(name);
    if (typeof value === "string") return value;
  }
  return undefined;
}

/** The first field of time in ms: RFC 3339 with its zone, or seconds, milliseconds or microseconds since the epoch. */
function timeOf(fields: Map<string, unknown>): number | undefined {
  for (const name of timeNames) {
    const value = fields.get(name);
    if (typeof value === "string" && /^\d{4}-\d\d-\d\d[T ].{8,}(?:Z|[+-]\d\d:?\d\d)$/.test(value)) {
      const at = Date.parse(value.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
      if (!Number.isNaN(at)) return at;
    }
    const number = typeof value === "number" ? value : /^\d{10,16}(?:\.\d+)?$/.test(String(value)) ? Number(value) : 0;
    if (number >= 1e9 && number < 1e17)
      return Math.floor(number < 1e11 ? number * 1000 : number < 1e14 ? number : number / 1000);
  }
  return undefined;
}
