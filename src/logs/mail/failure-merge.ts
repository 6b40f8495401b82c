// One wrong password, one failure. With auth_verbose a refused password stands in the log twice: Dovecot's auth process
// tells of it, and so does the daemon that the client talks to (Postfix at once, Dovecot's login process when the client
// leaves, then for all its attempts together). Whoever counts failures asks here how many a line adds.

import type { MailEvent } from "../../core/event.ts";
import { tryingNext } from "./dovecot-auth.ts";
import { type WaitingLine, WaitingLines, withRoom } from "./waiting-lines.ts";

/** Both lines of one refused password stand within this time: Dovecot delays its answer by 2 s (auth_failure_delay). */
const togetherMs = 4_000;

/** Lines that wait for their second telling, of each teller. */
const linesMax = 32_768;
/** Without `auth_verbose` there is no second telling, and no line is waited for long. */
const linesUnasked = 1_024;

/** Tells how many failures each auth_failure adds. Time comes with the events, which may be out of order by seconds. */
export class FailureMerge {
  /** Told by the auth process, and by the daemon in front of it. */
  readonly #auth = new WaitingLines(linesMax);
  #front = new WaitingLines(linesUnasked);

  /** Failures that this event adds to those told before it: 0 when all its attempts were. Only for auth_failure. */
  count(event: MailEvent): number {
    if (event.kind !== "auth_failure" || event.ip === null) return 0;
    const byAuth = event.source === "dovecot-auth";
    // The next passdb will decide; if it refuses too, it says so in a line of its own.
    if (byAuth && event.reason?.endsWith(tryingNext) === true) return 0;
    if (byAuth && this.#front.linesMax < linesMax) this.#front = withRoom(this.#front, linesMax);
    const others = (byAuth ? this.#front : this.#auth).of(event.ip);
    const left = others.length === 0 ? event.attempts : takeTold(others, event, byAuth);
    if (left > 0) (byAuth ? this.#auth : this.#front).add({ at: event.at, ip: event.ip, user: event.user, left });
    return left;
  }
}

/** Takes from lines that wait what this event tells again; how many of its attempts nobody told before. */
function takeTold(others: readonly WaitingLine[], event: MailEvent, byAuth: boolean): number {
  const since = Math.max(event.at - togetherMs - event.overSeconds * 1000, event.at - sessionMs);
  const user = lowerCase(event.user);
  const plain = unescaped(user, byAuth);
  let left = event.attempts;
  for (const other of others) {
    if (left === 0) break;
    if (other.at < since) continue;
    const name = lowerCase(other.user);
    if (!isSameUser(name, user) && !isSameUser(unescaped(name, !byAuth), plain)) continue;
    const both = Math.min(left, other.left);
    other.left -= both;
    left -= both;
  }
  return left;
}

function lowerCase(name: string | null): string | null {
  return name === null ? null : name.toLowerCase();
}

/** A login process ends a session that does not log in after three minutes (CLIENT_LOGIN_TIMEOUT_MSECS). */
const sessionMs = 200_000;

/** Names as both tell them: in another case, cut (Dovecot: 64 bytes and dots; Postfix: 100 bytes), or left out. */
function isSameUser(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return true;
  return isCut(a, b) || isCut(b, a) || (a.length >= 50 && b.startsWith(a)) || (b.length >= 50 && a.startsWith(b));
}

/**
 * A control byte in a name is one question mark to Dovecot. To Postfix it is two characters, as the auth protocol escapes it
 * (str_tabescape: byte 1 and a letter or digit), and byte 1 is a question mark.
 */
function unescaped(name: string | null, byAuth: boolean): string | null {
  return name === null || byAuth ? name : name.replace(/\?[01trn]/g, "?");
}

function isCut(short: string, long: string): boolean {
  return short.endsWith("...") && long.startsWith(short.slice(0, -3));
}
