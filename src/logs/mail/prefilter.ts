// The prefilter: by a message's first bytes, may it be an event of a wanted kind? It decides for most lines of a log, so it
// makes no string. It may say yes in vain; the parsers decide. It never says no to an event.

import type { MailKind } from "../../core/event.ts";
import type { Daemon } from "./program.ts";

const space = 32;
const comma = 44;
const colon = 58;
const open = 91;
const close = 93;

/** True when the message `start` to `end` of this daemon may be an event of one of the kinds. */
export function mayBeEvent(
  daemon: Daemon,
  bytes: Buffer,
  start: number,
  end: number,
  kinds: ReadonlySet<MailKind>,
): boolean {
  if (isRepeated(bytes, start)) return daemon !== "other";
  switch (daemon) {
    case "other":
      return false;
    case "qmgr":
      return (kinds.has("queued") || kinds.has("bounced")) && letterAfterId(bytes, start, end) === 102;
    case "delivery":
      return (
        (kinds.has("sent") || kinds.has("bounced") || kinds.has("deferred")) && letterAfterId(bytes, start, end) === 116
      );
    case "cleanup":
      return kinds.has("reject") && letterAfterId(bytes, start, end) === 109;
    case "smtpd":
    case "postscreen":
      return mayBeSmtpd(bytes, start, end, kinds);
    case "postfix":
      return (
        mayBeSmtpd(bytes, start, end, kinds) ||
        letterAfterId(bytes, start, end) === 102 ||
        letterAfterId(bytes, start, end) === 116
      );
    case "dovecot":
      return mayBeDovecot(bytes, start, end);
    case "dovecot-service":
      return true;
    default:
      return daemon satisfies never;
  }
}

/** `warning: …`, `QUEUEID: client=…, sasl_method=`, `NOQUEUE: reject:`, `QUEUEID: milter-reject:` */
function mayBeSmtpd(bytes: Buffer, start: number, end: number, kinds: ReadonlySet<MailKind>): boolean {
  if (bytes[start] === 119 && bytes[start + 7] === colon) return true;
  const letter = letterAfterId(bytes, start, end);
  // `reject: RCPT` without a queue id, as Postfix before 2.1 has it.
  if (letter === 82 || letter === 67 || letter === 72 || letter === 69) return bytes[start] === 114;
  if (letter === 99) return kinds.has("login") && hasLogin(bytes, start, end);
  return (letter === 114 || letter === 109) && kinds.has("reject");
}

/** The first byte behind `QUEUEID: `; 0 when the message does not begin with a queue id. */
function letterAfterId(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + 33);
  let i = start;
  while (i < stop && bytes[i] !== colon && bytes[i] !== space) i++;
  return i > start && bytes[i] === colon && bytes[i + 1] === space ? (bytes[i + 2] ?? 0) : 0;
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
