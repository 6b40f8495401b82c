// One wrong password, one failure. With auth_verbose a refused password stands in the log twice: Dovecot's auth process
// tells of it, and so does the daemon that the client talks to (Postfix at once, Dovecot's login process when the client
// leaves, then for all its attempts together). Whoever counts failures asks here how many a line adds.

import type { MailEvent } from "../../core/event.ts";

/** Both lines of one refused password stand within this time: Dovecot delays its answer by 2 s (auth_failure_delay). */
const togetherMs = 4_000;

/** Lines that wait for their second telling. The oldest goes: then one password counts twice, which no attacker gains by. */
const waitingMax = 20_000;
/** The same for one address; no client has more refused passwords under way at once. */
const waitingOfAddressMax = 64;

interface Waiting {
  readonly at: number;
  readonly ip: string;
  readonly user: string | null;
  /** Told by the auth process, or by the daemon in front. */
  readonly byAuth: boolean;
  left: number;
}

/** Tells how many failures each auth_failure adds. Time comes with the events, which may be out of order by seconds. */
export class FailureMerge {
  readonly #waiting = new Map<string, Waiting[]>();
  #size = 0;

  /** Failures that this event adds to those told before it: 0 when all its attempts were. Only for auth_failure. */
  count(event: MailEvent): number {
    if (event.kind !== "auth_failure" || event.ip === null) return 0;
    const byAuth = event.source === "dovecot-auth";
    // The next passdb will decide; if it refuses too, it says so in a line of its own.
    if (byAuth && event.reason?.endsWith(" - trying the next passdb") === true) return 0;
    const user = event.user === null ? null : event.user.toLowerCase();
    const since = event.at - togetherMs - event.overSeconds * 1000;
    let left = event.attempts;
    for (const other of this.#of(event.ip, event.at)) {
      if (left === 0) break;
      if (other.byAuth === byAuth || other.at < since || !isSameUser(other.user, user)) continue;
      const both = Math.min(left, other.left);
      other.left -= both;
      left -= both;
    }
    if (left > 0) this.#wait({ at: event.at, ip: event.ip, user, byAuth, left });
    return left;
  }

  /** What waits for this address; forgets what has been waiting for longer than any session lasts. */
  #of(ip: string, now: number): readonly Waiting[] {
    const list = this.#waiting.get(ip);
    if (list === undefined) return [];
    const alive = list.filter((one) => one.left > 0 && one.at >= now - sessionMs);
    this.#size -= list.length - alive.length;
    if (alive.length === 0) this.#waiting.delete(ip);
    else this.#waiting.set(ip, alive);
    return alive;
  }

  #wait(one: Waiting): void {
    const list = this.#waiting.get(one.ip) ?? [];
    // Moved to the end, so that the address that was quiet for longest is forgotten first.
    this.#waiting.delete(one.ip);
    this.#waiting.set(one.ip, list);
    list.push(one);
    this.#size++;
    if (list.length > waitingOfAddressMax) {
      list.shift();
      this.#size--;
    }
    while (this.#size > waitingMax) {
      const oldest = this.#waiting.entries().next().value;
      if (oldest === undefined) return;
      oldest[1].shift();
      this.#size--;
      if (oldest[1].length === 0) this.#waiting.delete(oldest[0]);
    }
  }
}

/** A login process ends a session that does not log in after three minutes (CLIENT_LOGIN_TIMEOUT_MSECS). */
const sessionMs = 200_000;

/** Names as both tell them: in another case, cut (Dovecot: 64 bytes and dots; Postfix: 100 bytes), or left out. */
function isSameUser(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return true;
  return isCut(a, b) || isCut(b, a) || (a.length >= 50 && b.startsWith(a)) || (b.length >= 50 && a.startsWith(b));
}

function isCut(short: string, long: string): boolean {
  return short.endsWith("...") && long.startsWith(short.slice(0, -3));
}
