// Lines as Fail2ban's own log has them: jails that watch it (recidive) and dashboards read them.

/** `found`: a failure; `already`: a ban that stands; `restored`: a ban that came back with a start. */
type LoggedAct = "found" | "ban" | "restored" | "unban" | "repealed" | "already";

interface LoggedEvent {
  readonly act: LoggedAct;
  readonly jail: string;
  readonly address: string;
  /** ms since the epoch: when it was written. */
  readonly at: number;
  /** ms since the epoch: when the failure was; `found` only. */
  readonly failedAt?: number;
  readonly pid: number;
}

const texts: Readonly<Record<LoggedAct, (address: string) => string>> = {
  found: (address) => `Found ${address}`,
  ban: (address) => `Ban ${address}`,
  restored: (address) => `Restore Ban ${address}`,
  unban: (address) => `Unban ${address}`,
  repealed: (address) => `Repeal Ban ${address}`,
  already: (address) => `${address} already banned`,
};

/** One line without its end; times in the system's zone. */
export function fail2banLogLine({ act, jail, address, at, failedAt, pid }: LoggedEvent): string {
  const failed = act === "found";
  const name = (failed ? "fail2ban.filter" : "fail2ban.actions").padEnd(24);
  const level = (failed ? "INFO" : "NOTICE").padEnd(7);
  const text = oneLine(texts[act](address)) + (failed ? ` - ${clock(failedAt ?? at)}` : "");
  return `${clock(at)},${String(at % 1000).padStart(3, "0")} ${name}[${pid}]: ${level} [${oneLine(jail)}] ${text}`;
}

/** An id of a filter's own may hold anything; a line is one line. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, "?").slice(0, 500);
}

function clock(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
