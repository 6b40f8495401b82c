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

export class LiveSessions {
  /** By the other end, the one asked about last behind the others. */
  readonly #sessions = new Map<string, { readonly account: string; readonly at: number }>();

  see({ account, ip, raw }: AskedSession, at: number): void {
    const port = /^client_port=(\d{1,5})$/m.exec(raw)?.[1];
    if (port === undefined) return;
    const end = `${ip} ${port}`;
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
