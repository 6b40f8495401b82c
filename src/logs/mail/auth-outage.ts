// The auth socket is gone. Postfix then says so in one line and in the next, of the same process, that a login failed, with the same
// words as for a wrong password (xsasl_dovecot_server.c). The second line is no failure of the client.

/** Processes whose next failure is ours; each waits for a line that follows at once. */
const processesMax = 256;
const atOnceMs = 2_000;

/** True when a message of smtpd says that it cannot reach the auth socket. */
export function isAuthSocketGone(message: string): boolean {
  return (
    message.startsWith("warning: SASL: Connect to ") &&
    /^warning: SASL: Connect to .{0,300} failed: /.test(message.slice(0, 400))
  );
}

/** Nobody looked at the password: what Postfix, Dovecot and Cyrus say then, where the client cannot have written it. */
const unchecked =
  /^warning: [^\s\]]{0,255}\[([^\]]{2,64})\](?::\d{1,5})?: SASL [\w.+-]{1,100} authentication failed: (?:Connection lost to authentication server|Temporary|Internal|generic failure|remote authentication server unavailable)/;

/** The client whose password nobody looked at; undefined when the message says nothing of the kind. */
export function uncheckedClient(message: string): string | undefined {
  return message.startsWith("warning: ") ? unchecked.exec(message)?.[1] : undefined;
}

export class AuthOutage {
  #at = new Map<string, number>();
  #latest = 0;

  /** True when some process may still wait at `at`; asked before the name of a process is made. */
  isLikely(at: number): boolean {
    if (this.#at.size > 0 && at - this.#latest > atOnceMs) this.#at.clear();
    return this.#at.size > 0;
  }

  /** The process (any text that names it) said at `at` (ms) that the socket is gone. */
  note(process: string, at: number): void {
    if (Number.isNaN(at)) return;
    if (this.#at.size >= processesMax) this.#at.clear();
    this.#at.set(process, at);
    this.#latest = Math.max(this.#latest, at);
  }

  /** True when a failure that this process tells at `at` follows from it; one is excused. */
  excuses(process: string, at: number): boolean {
    const since = this.#at.get(process);
    this.#at.delete(process);
    return since !== undefined && at >= since && at - since <= atOnceMs;
  }
}
