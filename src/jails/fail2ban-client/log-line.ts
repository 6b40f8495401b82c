// Lines as Fail2ban's own log has them: jails that watch it (recidive) and dashboards read them.

/** `found`: a failure; `already`: a ban that stands; `restored`: a ban that came back with a start; `increased`: a ban that grew. */
type LoggedAct = "found" | "ban" | "restored" | "unban" | "repealed" | "already" | "increased";

export interface LoggedEvent {
  readonly act: LoggedAct;
  readonly jail: string;
  readonly address: string;
  /** ms since the epoch: when it was written. */
  readonly at: number;
  /** ms since the epoch: when the failure was; `found` only. */
  readonly failedAt?: number;
  /** `increased` only. */
  readonly growth?: LoggedGrowth;
  readonly pid: number;
}

interface LoggedGrowth {
  /** The ban is the so many-th. */
  readonly count: number;
  readonly from: number;
  /** Undefined: it does not end. */
  readonly until: number | undefined;
}

type Text = (event: LoggedEvent) => string;

const texts: Readonly<Record<LoggedAct, Text>> = {
  found: ({ address, at, failedAt }) => `Found ${oneLine(address)} - ${clock(failedAt ?? at)}`,
  ban: ({ address }) => `Ban ${oneLine(address)}`,
  restored: ({ address }) => `Restore Ban ${oneLine(address)}`,
  unban: ({ address }) => `Unban ${oneLine(address)}`,
  repealed: ({ address }) => `Repeal Ban ${oneLine(address)}`,
  already: ({ address }) => `${oneLine(address)} already banned`,
  increased: ({ address, growth }) => `Increase Ban ${oneLine(address)} (${growth === undefined ? "" : grown(growth)})`,
};

/** The part of Fail2ban that would have written it. */
const writers: Readonly<Partial<Record<LoggedAct, string>>> = { found: "filter", increased: "observer" };

/** One line without its end; times in the system's zone. */
export function fail2banLogLine(event: LoggedEvent): string {
  const { act, jail, at, pid } = event;
  const name = `fail2ban.${writers[act] ?? "actions"}`.padEnd(24);
  const level = (act === "found" ? "INFO" : "NOTICE").padEnd(7);
  const head = `${clock(at)},${String(at % 1000).padStart(3, "0")} ${name}[${pid}]: ${level}`;
  return `${head} [${oneLine(jail)}] ${texts[act](event)}`;
}

function grown({ count, from, until }: LoggedGrowth): string {
  if (until === undefined) return `${count} # permanent -> infinite`;
  return `${count} # ${span(Math.round((until - from) / 1000))} -> ${clock(until)}`;
}

/** `0:20:00`, `2 days, 0:20:00`. */
function span(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = `${Math.floor((seconds % 86_400) / 3600)}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return days === 0 ? rest : `${days} day${days === 1 ? "" : "s"}, ${rest}`;
}

/** An id of a filter's own may hold anything; a line is one line. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, "?").slice(0, 500);
}

function clock(at: number): string {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
