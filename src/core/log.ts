// One line an event, key=value, to stderr with a syslog priority when journald reads it. No timestamps of our own under journald.

/** Values of a log line; text from clients is quoted and escaped, so a line stays one line. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export type LogLevel = "error" | "warn" | "info" | "debug";

/** RFC 5424 severities, as journald reads them from a `<N>` prefix (sd-daemon(3)). */
const severity: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

export interface Log {
  error(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  debug(event: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** true: `<6>event=…` for journald; false: an ISO time first. */
  readonly journald: boolean;
  readonly write: (line: string) => void;
}

/** A Log that writes `event key=value …` lines through `options.write`. */
export function lineLog(options: LogOptions): Log {
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (severity[level] > severity[options.level]) return;
      const head = options.journald ? `<${severity[level]}>` : `${new Date().toISOString()} ${level} `;
      options.write(`${head}${event}${renderFields(fields)}\n`);
    };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** A Log that says nothing, for tests and replays. */
export const silentLog: Log = lineLog({ level: "error", journald: true, write: () => {} });

/** ` key=value` for each field that has a value; a value with blanks, quotes, `=` or control characters is JSON-quoted. */
function renderFields(fields: LogFields): string {
  let text = "";
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${key}=${renderValue(value)}`;
  }
  return text;
}

/** Bare when it is plain printable ASCII; otherwise quoted with every control, bidi and non-ASCII character escaped. */
function renderValue(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  if (/^[!#-<>-[\]-~]+$/.test(value)) return value;
  return JSON.stringify(value).replace(/[^ -~]/g, (ch) => `\\u${ch.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
