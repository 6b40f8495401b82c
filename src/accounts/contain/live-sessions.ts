// Which submission sessions of an account may be open: by the other end of each, as Postfix's questions tell it. Postfix names no
// process to whom we could send the account's sessions away.

/** What of a question tells whose session it is of. */
export interface AskedSession {
  /** Of the account. */
  readonly account: string;
  readonly ip: string;
  /** name=value lines. */
  readonly raw: string;
}

/** About 150 bytes each; those asked about longest ago go first. */
const sessionsMax = 20_000;
const sessionsForgotten = 2_000;
/** smtpd waits five minutes for a command (smtpd_timeout), and a large message takes its time. */
const liveMs = 30 * 60_000;
const recentMs = 5_000;

export class LiveSessions {
  /** By the other end, the one asked about last behind the others. */
  readonly #sessions = new Map<string, { readonly account: string; readonly at: number }>();

  see({ account, ip, raw }: AskedSession, at: number): void {
    const port = portOf(raw);
    if (port === undefined) return;
    const end = `${ip} ${port}`;
    const known = this.#sessions.get(end);
    // A message has several questions: its session need not be moved to the end at each of them.
    if (known?.account === account && at - known.at < recentMs) return;
    this.#sessions.delete(end);
    this.#sessions.set(end, { account, at });
    if (this.#sessions.size > sessionsMax) this.#forgetOldest();
  }

  /** Many at once: a Map finds its first entry by walking over all that were deleted before it. */
  #forgetOldest(): void {
    let left = sessionsForgotten;
    for (const end of this.#sessions.keys()) {
      if (left-- === 0) break;
      this.#sessions.delete(end);
    }
  }

  /** Address and port of the other ends; some may have ended. */
  of(account: string, at: number): readonly (readonly [address: string, port: number])[] {
    return [...this.#sessions].flatMap(([end, session]) => {
      if (session.account !== account || at - session.at > liveMs) return [];
      const [address = "", port] = end.split(" ");
      return [[address, Number(port)] as const];
    });
  }
}

const portName = "client_port=";

/** Its own line's value. A search for a plain text costs a tenth of a pattern's. */
function portOf(raw: string): string | undefined {
  let at = raw.indexOf(portName);
  // In another line's value it is what a client said.
  while (at > 0 && raw.charCodeAt(at - 1) !== 10) at = raw.indexOf(portName, at + 1);
  if (at < 0) return undefined;
  const from = at + portName.length;
  let end = from;
  while (isDigit(raw.charCodeAt(end))) end++;
  const next = raw.charCodeAt(end);
  const isWhole = Number.isNaN(next) || next === 10 || next === 13;
  return isWhole && end > from && end - from <= 5 ? raw.slice(from, end) : undefined;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}
