// Headers: where a line's time stamp, program name and message stand. Works on bytes and makes no string, because most
// lines of a log are wanted by nobody. What is found here is trusted to be what it says: a message never is.

import { namedStampLength, namedStampMax, type Stamp } from "./time.ts";

/** A line's header as offsets into its bytes; one object is used for all lines. */
export interface Header extends Stamp {
  /** Empty (start = end) when the line has none and the message begins with the service (Dovecot's own log file). */
  programStart: number;
  programEnd: number;
  messageStart: number;
}

/** A header to be filled. */
export function emptyHeader(): Header {
  return { timeForm: "none", timeStart: 0, timeEnd: 0, programStart: 0, programEnd: 0, messageStart: 0 };
}

/** The longest host name or program name with its process id; a longer token is no header. */
const tokenBytesMax = 300;

const space = 32;
const minus = 45;
const slash = 47;
const colon = 58;
const less = 60;
const greater = 62;
const at = 64;
const open = 91;
const backslash = 92;
const close = 93;

/**
 * Finds the header of the line `start` to `end`; false when it has none that is known. Understands RFC 3164 as syslogd,
 * rsyslog, syslog-ng, journald (short forms), busybox, Solaris, AIX and FreeBSD write it, RFC 5424, stamps by RFC 3339,
 * TAI64N and epoch, lines without a host, and Dovecot's own files of 1.x and 2.x.
 */
export function readHeader(bytes: Buffer, start: number, end: number, header: Header): boolean {
  let from = isByteOrderMark(bytes, start) ? start + 3 : start;
  header.timeForm = "none";
  if (bytes[from] === less) {
    from = afterPriority(bytes, from, end);
    if (bytes[from] === 49 && bytes[from + 1] === space) return readRfc5424(bytes, from + 2, end, header);
  }
  const next = readStamp(bytes, from, end, header);
  if (next >= 0) return readProgram(bytes, afterContainerStamp(bytes, next, end, header), end, header);
  return readDovecot1(bytes, from, end, header);
}

/** Behind `<22>`, or where it was when there is none. */
function afterPriority(bytes: Buffer, start: number, end: number): number {
  let i = start + 1;
  while (i < end && i < start + 5 && isDigit(bytes[i])) i++;
  return bytes[i] === greater && i > start + 1 ? i + 1 : start;
}

/** Fills in the stamp that begins at `start`; where the next word begins, or -1 when there is no stamp. */
function readStamp(bytes: Buffer, start: number, end: number, header: Header): number {
  const first = bytes[start] ?? 0;
  if (bytes[start + 3] === space && first >= 65) {
    const clock = bytes[start + 5] === space ? start + 6 : start + 7;
    if (isClock(bytes, clock) && bytes[clock + 8] === space && !isYear(bytes, clock + 9)) {
      return stampOf(header, "trad", start, clock + 8, clock + 9);
    }
  }
  if (isIso(bytes, start)) return readIso(bytes, start, end, header);
  if (first === at) return readTai64n(bytes, start, end, header);
  const epoch = isDigit(first) && isDigit(bytes[start + 8]) ? readEpoch(bytes, start, end, header) : -1;
  if (epoch >= 0) return epoch;
  return isClockNear(bytes, start, end) ? readNamed(bytes, start, end, header) : -1;
}

function stampOf(header: Header, form: Header["timeForm"], start: number, end: number, next: number): number {
  header.timeForm = form;
  header.timeStart = start;
  header.timeEnd = end;
  return next;
}

/** `02:47:05` */
function isClock(bytes: Buffer, i: number): boolean {
  return bytes[i + 2] === colon && bytes[i + 5] === colon && isDigit(bytes[i]) && isDigit(bytes[i + 7]);
}

/** `2026 ` behind a traditional stamp, as ctime(3) writes it. */
function isYear(bytes: Buffer, i: number): boolean {
  const c = bytes[i];
  return (
    (c === 49 || c === 50) &&
    bytes[i + 4] === space &&
    isDigit(bytes[i + 1]) &&
    isDigit(bytes[i + 2]) &&
    isDigit(bytes[i + 3])
  );
}

/** `2026-11-24T02:47:05`, also with a blank, `/` or `.`. */
function isIso(bytes: Buffer, i: number): boolean {
  const between = bytes[i + 4];
  return (
    isDigit(bytes[i]) &&
    (between === minus || between === slash || between === 46) &&
    bytes[i + 7] === between &&
    isClock(bytes, i + 11)
  );
}

function readIso(bytes: Buffer, start: number, end: number, header: Header): number {
  let i = start + 19;
  while (i < end && i < start + 48 && bytes[i] !== space) i++;
  if (i < end && bytes[i] !== space) return -1;
  let stampEnd = bytes[i - 1] === colon ? i - 1 : i;
  // A zone behind a blank: `+0200` or `UTC`.
  const c = bytes[i + 1];
  if (stampEnd === i && (c === 43 || c === minus) && isDigit(bytes[i + 2])) stampEnd = tokenEnd(bytes, i + 1, end);
  else if (stampEnd === i && isUtc(bytes, i + 1)) stampEnd = i + 4;
  return stampOf(header, "iso", start, stampEnd, Math.max(i, stampEnd) + 1);
}

function isUtc(bytes: Buffer, i: number): boolean {
  if (bytes[i + 3] !== space) return false;
  const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
  return word === 0x555443 || word === 0x474d54;
}

/** `@40000000…` of multilog. */
function readTai64n(bytes: Buffer, start: number, end: number, header: Header): number {
  if (bytes[start + 25] !== space || start + 26 > end) return -1;
  for (let i = start + 1; i < start + 25; i++) if (!isHex(bytes[i])) return -1;
  return stampOf(header, "tai64n", start + 1, start + 25, start + 26);
}

/** `1795488563.341717 host …` of `journalctl -o short-unix`. */
function readEpoch(bytes: Buffer, start: number, end: number, header: Header): number {
  let i = start;
  while (i < end && i < start + 27 && (isDigit(bytes[i]) || bytes[i] === 46)) i++;
  return bytes[i] === space && i - start >= 10 ? stampOf(header, "epoch", start, i, i + 1) : -1;
}

/** True when `:dd` stands in the first words: only then a rare form is worth a regular expression. */
function isClockNear(bytes: Buffer, start: number, end: number): boolean {
  const stop = Math.min(end, start + namedStampMax);
  for (let i = start + 5; i < stop; i++)
    if (bytes[i] === colon && isDigit(bytes[i - 1]) && isDigit(bytes[i + 1])) return true;
  return false;
}

/** The rare forms: `Tue Nov 24 02:47:05 2026`, `24 Nov 2026 …`, foreign months, and `Tue 2026-11-24 02:47:05 EET`. */
function readNamed(bytes: Buffer, start: number, end: number, header: Header): number {
  const weekday = tokenEnd(bytes, start, end);
  if (weekday - start <= 24 && bytes[weekday - 1] !== colon && isIso(bytes, weekday + 1)) {
    const zoneEnd = tokenEnd(bytes, weekday + 21, end);
    if (isUpper(bytes[weekday + 21])) return stampOf(header, "iso", weekday + 1, zoneEnd, zoneEnd + 1);
    return readIso(bytes, weekday + 1, end, header);
  }
  const text = bytes.toString("utf8", start, Math.min(end, start + 2 * namedStampMax));
  const length = namedStampLength(text);
  if (length === undefined) return -1;
  const stampEnd = start + Buffer.byteLength(text.slice(0, length));
  return stampOf(header, "named", start, stampEnd, stampEnd + 1);
}

/** Containers put their own stamp (RFC 3339), and CRI the stream, before a line that has a stamp already. */
function afterContainerStamp(bytes: Buffer, next: number, end: number, header: Header): number {
  if (header.timeForm !== "iso") return next;
  const isStream = bytes[next] === 115 && bytes[next + 1] === 116 && bytes[next + 2] === 100 && bytes[next + 7] === 70;
  const from = isStream && bytes[next + 6] === space ? next + 9 : next;
  const clock = bytes[from + 5] === space ? from + 6 : from + 7;
  const isTrad = bytes[from + 3] === space && isClock(bytes, clock) && bytes[clock + 8] === space;
  return isTrad && clock + 9 < end ? clock + 9 : from;
}

/**
 * `host program[pid]: message`, with what some systems put between: `<mail.info>` (FreeBSD), `mail.warn` (busybox),
 * `mail:info` (AIX); or `program: message` without a host.
 */
function readProgram(bytes: Buffer, start: number, end: number, header: Header): boolean {
  let from = start;
  if (bytes[from] === less) from = tokenEnd(bytes, from, end) + 1;
  let wordEnd = tokenEnd(bytes, from, end);
  if (isAuthOfDovecot(bytes, from, wordEnd)) return programOf(bytes, from, from, from, end, header);
  if (bytes[wordEnd - 1] === colon && wordEnd > from + 1) return programOf(bytes, from, wordEnd, wordEnd, end, header);
  from = wordEnd + 1;
  wordEnd = tokenEnd(bytes, from, end);
  if (bytes[wordEnd - 1] !== colon && isPriorityWord(bytes, from, wordEnd)) {
    from = wordEnd + 1;
    wordEnd = tokenEnd(bytes, from, end);
  }
  if (wordEnd <= from + 1) return false;
  if (bytes[wordEnd - 1] === colon) return programOf(bytes, from, wordEnd, wordEnd, end, header);
  return readGluedProgram(bytes, from, wordEnd, end, header);
}

/** `program[88] <Info>: message` (macOS), and `program[88]:message`. */
function readGluedProgram(bytes: Buffer, from: number, wordEnd: number, end: number, header: Header): boolean {
  if (bytes[wordEnd - 1] === close && bytes[wordEnd + 1] === less) {
    const level = tokenEnd(bytes, wordEnd + 1, end);
    return bytes[level - 1] === colon && programOf(bytes, from, wordEnd + 1, level, end, header);
  }
  for (let i = from; i < wordEnd; i++) {
    if (bytes[i] === close && bytes[i + 1] === colon) return programOf(bytes, from, i + 2, i + 2, end, header);
  }
  return false;
}

/** `wordEnd` is behind the colon. The name ends at the bracket of its process id, where there is one. */
function programOf(
  bytes: Buffer,
  start: number,
  wordEnd: number,
  messageStart: number,
  end: number,
  header: Header,
): boolean {
  let programEnd = start;
  while (programEnd < wordEnd - 1 && bytes[programEnd] !== open) programEnd++;
  header.programStart = start;
  header.programEnd = programEnd;
  header.messageStart = messageStart;
  // `program[88]:message`, where the message's first word ends with a colon too.
  for (let i = programEnd; i < wordEnd - 2; i++) {
    if (bytes[i] === close && bytes[i + 1] === colon) {
      header.messageStart = i + 2;
      break;
    }
  }
  skipToMessage(bytes, end, header);
  return true;
}

/** Blanks, and Solaris' `[ID 197553 mail.info] `. */
function skipToMessage(bytes: Buffer, end: number, header: Header): void {
  let i = header.messageStart;
  while (i < end && bytes[i] === space) i++;
  if (bytes[i] === open && bytes[i + 1] === 73 && bytes[i + 2] === 68 && bytes[i + 3] === space) {
    const stop = Math.min(end, i + 40);
    let j = i;
    while (j < stop && bytes[j] !== close) j++;
    if (bytes[j] === close) i = bytes[j + 1] === space ? j + 2 : j + 1;
  }
  header.messageStart = i;
}

/** `<22>1 TIME HOST APP PROCID MSGID SD MSG` (RFC 5424, 6), from TIME on. */
function readRfc5424(bytes: Buffer, start: number, end: number, header: Header): boolean {
  if (!isIso(bytes, start) || readIso(bytes, start, end, header) < 0) return false;
  const host = tokenEnd(bytes, start, end) + 1;
  const program = tokenEnd(bytes, host, end) + 1;
  const process = tokenEnd(bytes, program, end) + 1;
  const messageId = tokenEnd(bytes, process, end) + 1;
  const data = tokenEnd(bytes, messageId, end) + 1;
  if (data >= end) return false;
  let message = afterStructuredData(bytes, data, end);
  if (message < 0) return false;
  while (message < end && bytes[message] === space) message++;
  if (isByteOrderMark(bytes, message)) message += 3;
  header.programStart = program;
  header.programEnd = process - 1;
  header.messageStart = message;
  skipToMessage(bytes, end, header);
  return true;
}

/** Behind `-` or `[id name="value"]…`; a quoted value may hold brackets, and quotes behind a backslash. */
function afterStructuredData(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] === minus) return start + 1;
  let quoted = false;
  for (let i = start; i < end; i++) {
    const c = bytes[i];
    if (quoted && c === backslash) i++;
    else if (c === 34) quoted = !quoted;
    else if (!quoted && c === close && bytes[i + 1] !== open) return i + 1;
  }
  return -1;
}

/** `dovecot: Nov 24 02:47:05 Info: imap-login: …`: the log file of Dovecot 1.x. */
function readDovecot1(bytes: Buffer, start: number, end: number, header: Header): boolean {
  const wordEnd = tokenEnd(bytes, start, end);
  if (bytes[wordEnd - 1] !== colon || bytes[start] !== 100 || wordEnd - start !== 8) return false;
  const next = readStamp(bytes, wordEnd + 1, end, header);
  if (next < 0) return false;
  const level = tokenEnd(bytes, next, end);
  if (bytes[level - 1] !== colon) return false;
  header.programStart = start;
  header.programEnd = wordEnd - 1;
  header.messageStart = next;
  return true;
}

/** Dovecot's own file names the client of an authentication, hostile text, before the first colon: `auth(a b,192.0.2.1)<s>: `. */
function isAuthOfDovecot(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== 97 || bytes[start + 1] !== 117 || bytes[start + 2] !== 116 || bytes[start + 3] !== 104)
    return false;
  for (let i = start + 4; i < end && i < start + 13; i++) if (bytes[i] === 40) return true;
  return false;
}

function isByteOrderMark(bytes: Buffer, i: number): boolean {
  return bytes[i] === 0xef && bytes[i + 1] === 0xbb && bytes[i + 2] === 0xbf;
}

/** The end of the word at `start`: its blank, or the line's end, or where it is too long to be a header. */
function tokenEnd(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + tokenBytesMax);
  let i = start;
  while (i < stop && bytes[i] !== space) i++;
  return i;
}

/** `mail.warn`, `mail:info`, `2.6`: a facility and a severity. */
function isPriorityWord(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start <= 17 &&
    /^(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7]|\d+)[.:](?:emerg|alert|crit|err|error|warn|warning|notice|info|debug|\d)$/.test(
      bytes.toString("latin1", start, end),
    )
  );
}

function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= 48 && c <= 57;
}

function isUpper(c: number | undefined): boolean {
  return c !== undefined && c >= 65 && c <= 90;
}

function isHex(c: number | undefined): boolean {
  return isDigit(c) || (c !== undefined && c >= 97 && c <= 102);
}
