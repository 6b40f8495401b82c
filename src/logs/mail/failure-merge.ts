// One wrong password, one failure. With auth_verbose a refused password stands in the log twice: Dovecot's auth process
// tells of it, and so does the daemon that the client talks to (Postfix at once, Dovecot's login process when the client
// leaves, then for all its attempts together). Whoever counts failures asks here how many a line adds.

import type { MailEvent } from "../../core/event.ts";
import { tryingNext } from "./dovecot-auth.ts";

/** Both lines of one refused password stand within this time: Dovecot delays its answer by 2 s (auth_failure_delay). */
const togetherMs = 4_000;

/**
 * Addresses that have lines waiting for their second telling, in each of two generations. The older generation goes when
 * the younger is full: then one password may count twice, which no attacker gains by.
 */
const addressesMax = 10_000;
/** Waiting lines of one address, of each teller; no client has more refused passwords under way at once. */
const waitingOfAddressMax = 64;

interface Waiting {
  readonly at: number;
  readonly user: string | null;
  left: number;
}

/** Lines of one address that have not been told a second time, in their order: by the auth process, and by the daemon in front. */
interface Address {
  readonly auth: Waiting[];
  readonly front: Waiting[];
}

/** Tells how many failures each auth_failure adds. Time comes with the events, which may be out of order by seconds. */
export class FailureMerge {
  #young = new Map<string, Address>();
  #old = new Map<string, Address>();

  /** Failures that this event adds to those told before it: 0 when all its attempts were. Only for auth_failure. */
  count(event: MailEvent): number {
    if (event.kind !== "auth_failure" || event.ip === null) return 0;
    const byAuth = event.source === "dovecot-auth";
    // The next passdb will decide; if it refuses too, it says so in a line of its own.
    if (byAuth && event.reason?.endsWith(tryingNext) === true) return 0;
    const user = event.user === null ? null : event.user.toLowerCase();
    const address = this.#young.get(event.ip) ?? this.#old.get(event.ip);
    const others = byAuth ? address?.front : address?.auth;
    const left =
      others === undefined || others.length === 0 ? event.attempts : takeTold(others, { event, user, byAuth });
    if (left > 0) this.#keep(event.ip, address, { at: event.at, user, left }, byAuth);
    return left;
  }

  #keep(ip: string, known: Address | undefined, waiting: Waiting, byAuth: boolean): void {
    const address = known ?? { auth: [], front: [] };
    const own = byAuth ? address.auth : address.front;
    forgetOld(own, waiting.at);
    own.push(waiting);
    if (this.#young.get(ip) === address) return;
    if (this.#young.size >= addressesMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(ip, address);
  }
}

/** Takes from lines that wait what this event tells again; how many of its attempts nobody told before. */
function takeTold(
  others: Waiting[],
  { event, user, byAuth }: { event: MailEvent; user: string | null; byAuth: boolean },
): number {
  const since = Math.max(event.at - togetherMs - event.overSeconds * 1000, event.at - sessionMs);
  const plain = unescaped(user, byAuth);
  let left = event.attempts;
  for (let i = 0; i < others.length && left > 0; ) {
    const other = others[i];
    if (other === undefined) break;
    const isSame = isSameUser(other.user, user) || isSameUser(unescaped(other.user, !byAuth), plain);
    if (other.at >= since && isSame) {
      const both = Math.min(left, other.left);
      other.left -= both;
      left -= both;
    }
    if (other.left === 0) others.splice(i, 1);
    else i++;
  }
  return left;
}

/** Room for one more, and nothing that has been waiting for longer than any session lasts. */
function forgetOld(waiting: Waiting[], now: number): void {
  let old = 0;
  while (old < waiting.length && (waiting[old]?.at ?? 0) < now - sessionMs) old++;
  old = Math.max(old, waiting.length + 1 - waitingOfAddressMax);
  if (old > 0) waiting.splice(0, old);
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
