// The prefilter: by a message's first bytes, may it be an event of a wanted kind? It decides for most lines of a log, so it
// makes no string. It may say yes in vain; the parsers decide. It never says no to an event.

import type { MailKind } from "../../core/event.ts";
import type { Daemon } from "./program.ts";

const space = 32;
const comma = 44;
const colon = 58;
const open = 91;
const close = 93;

/** What is wanted of the kinds of events, as it is asked for in each line. */
export interface WantedLines {
  readonly login: boolean;
  readonly reject: boolean;
  /** queued, and bounced by the queue manager. */
  readonly queue: boolean;
  /** sent, bounced, deferred. */
  readonly delivery: boolean;
}

/** The lines that may be events of these kinds. */
export function wantedLines(kinds: ReadonlySet<MailKind>): WantedLines {
  const bounced = kinds.has("bounced");
  return {
    login: kinds.has("login"),
    reject: kinds.has("reject"),
    queue: bounced || kinds.has("queued"),
    delivery: bounced || kinds.has("sent") || kinds.has("deferred"),
  };
}

/** True when the message `start` to `end` of this daemon may be an event that is wanted. */
export function mayBeEvent(daemon: Daemon, bytes: Buffer, start: number, end: number, wanted: WantedLines): boolean {
  switch (daemon) {
    case "smtpd":
    case "postscreen":
      return mayBeSmtpd(bytes, start, end, wanted);
    case "delivery":
      return wanted.delivery && (letterAfterId(bytes, start, end) === 116 || isRepeated(bytes, start));
    case "qmgr":
      return wanted.queue && (letterAfterId(bytes, start, end) === 102 || isRepeated(bytes, start));
    case "cleanup":
      return wanted.reject && (letterAfterId(bytes, start, end) === 109 || isRepeated(bytes, start));
    case "dovecot":
      return mayBeDovecot(bytes, start, end) || isRepeated(bytes, start);
    case "dovecot-service":
      return true;
    case "postfix":
      return mayBeSmtpd(bytes, start, end, wanted) || isOfQueue(letterAfterId(bytes, start, end));
    case "other":
      return false;
    default:
      return daemon satisfies never;
  }
}

/** The f of `from=<`, the t of `to=<`. */
function isOfQueue(letter: number): boolean {
  return letter === 102 || letter === 116;
}

/** `warning: …`, `QUEUEID: client=…, sasl_method=`, `NOQUEUE: reject:`, `QUEUEID: milter-reject:` */
function mayBeSmtpd(bytes: Buffer, start: number, end: number, wanted: WantedLines): boolean {
  if (bytes[start] === 119 && bytes[start + 7] === colon) return true;
  const letter = letterAfterId(bytes, start, end);
  if (letter === 0) return isRepeated(bytes, start);
  // `reject: RCPT` without a queue id, as Postfix before 2.1 has it.
  if (letter === 82 || letter === 67 || letter === 72 || letter === 69) return bytes[start] === 114;
  if (letter === 99) return wanted.login && hasLogin(bytes, start, end);
  return (letter === 114 || letter === 109) && wanted.reject;
}

/**
 * The first byte behind `QUEUEID: `; 0 when the message does not begin with a queue id, or goes on with `message-id=`, as one line of
 * each mail does.
 */
function letterAfterId(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + 33);
  let i = start;
  let c = bytes[i] ?? 0;
  while (i < stop && c !== colon && c !== space) {
    i++;
    c = bytes[i] ?? 0;
  }
  if (i === start || c !== colon || bytes[i + 1] !== space) return 0;
  const letter = bytes[i + 2] ?? 0;
  return letter === 109 && bytes[i + 3] !== 105 ? 0 : letter;
}

/** True when a comma follows the first bracket of `client=host[address]`: most mail comes from no login. */
function hasLogin(bytes: Buffer, start: number, end: number): boolean {
  let i = start;
  while (i < end && bytes[i] !== open) i++;
  while (i < end && bytes[i] !== close) i++;
  while (i < end && bytes[i] !== comma) i++;
  return i < end;
}

/** `message repeated 3 times: [ …]` */
function isRepeated(bytes: Buffer, start: number): boolean {
  return bytes[start] === 109 && bytes[start + 7] === space && bytes[start + 8] === 114;
}

/** `imap-login: `, `auth: `, `auth-worker(1): `, or a level or `dovecot: ` before them (1.x). Deliveries and sessions are most of the rest. */
function mayBeDovecot(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start];
  if (first === 97 || first === 73 || (first === 100 && (bytes[start + 7] === 45 || bytes[start + 7] === colon)))
    return true;
  const stop = Math.min(end, start + 40);
  let i = start;
  while (i < stop && bytes[i] !== colon && bytes[i] !== 40) i++;
  // The n of `-login:`.
  return bytes[i] === colon && bytes[i - 1] === 110 && bytes[i - 6] === 45;
}
