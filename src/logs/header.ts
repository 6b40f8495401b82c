// Headers: where a line's time stamp, program name and message stand. Works on bytes and makes no string, because most
// lines of a log are wanted by nobody. What is found here is trusted to be what it says: a message never is.

import { isClock, isDigit, isIso, readIso, readStamp, skipBlanks, tokenEnd } from "./stamp.ts";
import type { Stamp } from "./time.ts";
import { type ProgramPlace, readUsualProgram } from "./usual-header.ts";

/** A line's header as offsets into its bytes; one object is used for all lines. */
export interface Header extends Stamp, ProgramPlace {
  /** True when the program was found in a header within a relay's header. */
  isRelayed: boolean;
}

/** A header to be filled. */
export function emptyHeader(): Header {
  return {
    timeForm: "none",
    timeStart: 0,
    timeEnd: 0,
    programStart: 0,
    programEnd: 0,
    messageStart: 0,
    isRelayed: false,
  };
}

const space = 32;
const minus = 45;
const colon = 58;
const less = 60;
const greater = 62;
const open = 91;
const backslash = 92;
const close = 93;

/**
 * Finds the header of the line `start` to `end`; false when it has none that is known. Understands RFC 3164 as syslogd,
 * rsyslog, syslog-ng, journald (short forms), metalog, socklog, busybox, Solaris, AIX and FreeBSD write it, RFC 5424, stamps by
 * RFC 3339, TAI64N and epoch, lines without a host, Dovecot's own files of 1.x and 2.x, and what relays and containers put
 * before all that.
 */
export function readHeader(bytes: Buffer, start: number, end: number, header: Header): boolean {
  const from = isByteOrderMark(bytes, start) ? start + 3 : start;
  if (readPlainHeader(bytes, from, end, header)) return true;
  const line = afterCollector(bytes, from, end);
  return line > from && readPlainHeader(bytes, line, end, header);
}

function readPlainHeader(bytes: Buffer, start: number, end: number, header: Header): boolean {
  header.timeForm = "none";
  header.isRelayed = false;
  const from = bytes[start] === less ? afterPriority(bytes, start, end) : start;
  if (bytes[from] === 49 && bytes[from + 1] === space) return readRfc5424(bytes, from + 2, end, header);
  const next = readStamp(bytes, from, end, header);
  if (next >= 0) return readProgram(bytes, afterContainerStamp(bytes, next, end, header), end, header);
  return readDovecot1(bytes, from, end, header);
}

/** `mail-1  | `: the lines of `docker compose logs` have their container's name. `mail.log:`: those of grep their file's. */
const collectorForm =
  /^(?:[\w.@-]{1,60} +\| +|[\w./@+-]{0,80}(?:log|mail|messages)[\w.@+-]{0,40}:(?:\d{1,9}:)?)(?=[A-Z\d<@])/;

function afterCollector(bytes: Buffer, start: number, end: number): number {
  const match = collectorForm.exec(bytes.toString("latin1", start, Math.min(end, start + 160)));
  return match === null ? start : start + match[0].length;
}

/** Behind `<22>`, or where it was when there is none. */
function afterPriority(bytes: Buffer, start: number, end: number): number {
  let i = start + 1;
  while (i < end && i < start + 5 && isDigit(bytes[i])) i++;
  return bytes[i] === greater && i > start + 1 ? i + 1 : start;
}

/**
 * Containers put their own stamp (RFC 3339), and CRI the stream, before a line that has a stamp already. A stamp with a
 * year counts for more than the one in it without.
 */
function afterContainerStamp(bytes: Buffer, next: number, end: number, header: Header): number {
  if (header.timeForm === "trad") return next;
  const isStream = bytes[next] === 115 && bytes[next + 1] === 116 && bytes[next + 2] === 100 && bytes[next + 7] === 70;
  const from = isStream && bytes[next + 6] === space ? next + 9 : next;
  if (isIso(bytes, from)) {
    const inner = readIso(bytes, from, end, header);
    return inner < 0 ? from : inner;
  }
  const clock = bytes[from + 5] === space ? from + 6 : from + 7;
  const isTrad = bytes[from + 3] === space && isClock(bytes, clock) && bytes[clock + 8] === space;
  return isTrad && clock + 9 < end ? clock + 9 : from;
}

/**
 * `host program[pid]: message`, with what some systems put between: `<mail.info>` (FreeBSD), `mail.warn` (busybox),
 * `mail:info` (AIX); `program: message` without a host, `[program] message` (metalog).
 */
function readProgram(bytes: Buffer, start: number, end: number, header: Header): boolean {
  if (readUsualProgram(bytes, start, end, header)) return true;
  let from = skipBlanks(bytes, start, end);
  if (bytes[from] === less) from = skipBlanks(bytes, tokenEnd(bytes, from, end), end);
  let wordEnd = tokenEnd(bytes, from, end);
  if (isAuthOfDovecot(bytes, from, wordEnd)) return programOf(bytes, from, from, from, end, header);
  if (bytes[wordEnd - 1] === colon && wordEnd > from + 1) {
    if (isInfo(bytes, from, wordEnd)) return programOf(bytes, from, from, from, end, header);
    if (isPriorityWord(bytes, from, wordEnd - 1)) return readAfterPriority(bytes, wordEnd, end, header);
    return programOf(bytes, from, wordEnd, wordEnd, end, header);
  }
  if (bytes[from] === open && bytes[wordEnd - 1] === close)
    return programOf(bytes, from + 1, wordEnd, wordEnd, end, header);
  from = skipBlanks(bytes, wordEnd, end);
  wordEnd = tokenEnd(bytes, from, end);
  if (bytes[wordEnd - 1] !== colon && isPriorityWord(bytes, from, wordEnd)) {
    from = skipBlanks(bytes, wordEnd, end);
    wordEnd = tokenEnd(bytes, from, end);
  }
  if (wordEnd <= from + 1) return false;
  if (bytes[wordEnd - 1] === colon) return programOf(bytes, from, wordEnd, wordEnd, end, header);
  return readGluedProgram(bytes, from, wordEnd, end, header) || readRareProgram(bytes, from, wordEnd, end, header);
}

/** `mail.info: program: message`, and `mail.info: Nov 24 02:47:05 host program: message` (socklog). */
function readAfterPriority(bytes: Buffer, wordEnd: number, end: number, header: Header): boolean {
  const from = afterContainerStamp(bytes, skipBlanks(bytes, wordEnd, end), end, header);
  return !isPriorityWord(bytes, from, tokenEnd(bytes, from, end) - 1) && readProgram(bytes, from, end, header);
}

/**
 * Behind the host: the header that another host gave the line, or RFC 5424 without its first two words
 * (`program pid msgid - message`).
 */
function readRareProgram(bytes: Buffer, from: number, wordEnd: number, end: number, header: Header): boolean {
  const relayed = isClock(bytes, from + 7) || isClock(bytes, from + 6) || isIso(bytes, from);
  if (relayed && !header.isRelayed) {
    const next = readStamp(bytes, from, end, header);
    header.isRelayed = true;
    return next >= 0 && readProgram(bytes, next, end, header);
  }
  const processEnd = tokenEnd(bytes, wordEnd + 1, end);
  const data = tokenEnd(bytes, processEnd + 1, end) + 1;
  if (!isProcessId(bytes, wordEnd + 1, processEnd) || (bytes[data] !== minus && bytes[data] !== open)) return false;
  return readStructured(bytes, from, wordEnd, data, end, header);
}

/** Digits, or `-` for none. */
function isProcessId(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] === minus) return end === start + 1;
  for (let i = start; i < end; i++) if (!isDigit(bytes[i])) return false;
  return end > start && end - start <= 10;
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
  return readStructured(bytes, program, process - 1, data, end, header);
}

/** Structured data from `data` on, and the message behind it. */
function readStructured(
  bytes: Buffer,
  programStart: number,
  programEnd: number,
  data: number,
  end: number,
  header: Header,
): boolean {
  if (data >= end) return false;
  let message = afterStructuredData(bytes, data, end);
  if (message < 0) return false;
  message = skipBlanks(bytes, message, end);
  if (isByteOrderMark(bytes, message)) message += 3;
  header.programStart = programStart;
  header.programEnd = programEnd;
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

/** `Info: imap-login: …`: a file of Dovecot 1.x has a level and no name. */
function isInfo(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 5 && bytes[start] === 73 && bytes[start + 1] === 110 && bytes[start + 2] === 102;
}

function hasDotOrColon(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === colon || bytes[i] === 46) return true;
  return false;
}

function isByteOrderMark(bytes: Buffer, i: number): boolean {
  return bytes[i] === 0xef && bytes[i + 1] === 0xbb && bytes[i + 2] === 0xbf;
}

/** `mail.warn`, `mail:info`, `2.6`: a facility and a severity. */
function isPriorityWord(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > 17 || !hasDotOrColon(bytes, start, end)) return false;
  return /^(?:kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|local[0-7]|\d+)[.:](?:emerg|alert|crit|err|error|warn|warning|notice|info|debug|\d)$/.test(
    bytes.toString("latin1", start, end),
  );
}
