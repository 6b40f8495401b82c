// Stamps: where a line's time stands, in which of the forms that syslog daemons, journald, multilog and Dovecot write. Works on
// bytes and makes no string but for the rare forms; what a stamp means is told in time.ts.

import { namedStampLength, namedStampMax, type Stamp } from "./time.ts";

/** The longest host name or program name with its process id; a longer token is no header. */
const tokenBytesMax = 300;

const space = 32;
const minus = 45;
const slash = 47;
const colon = 58;
const at = 64;

/** Fills in the stamp that begins at `start`; where the next word begins, or -1 when there is no stamp. */
export function readStamp(bytes: Buffer, start: number, end: number, stamp: Stamp): number {
  const first = bytes[start] ?? 0;
  if (bytes[start + 3] === space && first >= 65) {
    const clock = bytes[start + 5] === space ? start + 6 : start + 7;
    if (isClock(bytes, clock) && bytes[clock + 8] === space && !isYear(bytes, clock + 9)) {
      return stampOf(stamp, "trad", start, clock + 8, clock + 9);
    }
  }
  if (isIso(bytes, start)) return readIso(bytes, start, end, stamp);
  if (first === at) return readTai64n(bytes, start, end, stamp);
  const epoch = isDigit(first) && isDigit(bytes[start + 8]) ? readEpoch(bytes, start, end, stamp) : -1;
  if (epoch >= 0) return epoch;
  return isClockNear(bytes, start, end) ? readNamed(bytes, start, end, stamp) : -1;
}

function stampOf(stamp: Stamp, form: Stamp["timeForm"], start: number, end: number, next: number): number {
  stamp.timeForm = form;
  stamp.timeStart = start;
  stamp.timeEnd = end;
  return next;
}

/** `02:47:05` */
export function isClock(bytes: Buffer, i: number): boolean {
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
export function isIso(bytes: Buffer, i: number): boolean {
  const between = bytes[i + 4];
  return (
    isDigit(bytes[i]) &&
    (between === minus || between === slash || between === 46) &&
    bytes[i + 7] === between &&
    isClock(bytes, i + 11)
  );
}

export function readIso(bytes: Buffer, start: number, end: number, stamp: Stamp): number {
  let i = start + 19;
  while (i < end && i < start + 48 && bytes[i] !== space) i++;
  if (i < end && bytes[i] !== space) return -1;
  let stampEnd = bytes[i - 1] === colon ? i - 1 : i;
  // A zone behind a blank: `+0200` or `UTC`.
  const c = bytes[i + 1];
  if (stampEnd === i && (c === 43 || c === minus) && isDigit(bytes[i + 2])) stampEnd = tokenEnd(bytes, i + 1, end);
  else if (stampEnd === i && isUtc(bytes, i + 1)) stampEnd = i + 4;
  return stampOf(stamp, "iso", start, stampEnd, Math.max(i, stampEnd) + 1);
}

function isUtc(bytes: Buffer, i: number): boolean {
  if (bytes[i + 3] !== space) return false;
  const word = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
  return word === 0x555443 || word === 0x474d54;
}

/** `@40000000…` of multilog. */
function readTai64n(bytes: Buffer, start: number, end: number, stamp: Stamp): number {
  if (bytes[start + 25] !== space || start + 26 > end) return -1;
  for (let i = start + 1; i < start + 25; i++) if (!isHex(bytes[i])) return -1;
  return stampOf(stamp, "tai64n", start + 1, start + 25, start + 26);
}

/** `1795488563.341717 host …` of `journalctl -o short-unix`. */
function readEpoch(bytes: Buffer, start: number, end: number, stamp: Stamp): number {
  let i = start;
  while (i < end && i < start + 27 && (isDigit(bytes[i]) || bytes[i] === 46)) i++;
  return bytes[i] === space && i - start >= 10 ? stampOf(stamp, "epoch", start, i, i + 1) : -1;
}

/** True when `:dd` stands in the first words: only then a rare form is worth a regular expression. */
function isClockNear(bytes: Buffer, start: number, end: number): boolean {
  const stop = Math.min(end, start + namedStampMax);
  for (let i = start + 5; i < stop; i++)
    if (bytes[i] === colon && isDigit(bytes[i - 1]) && isDigit(bytes[i + 1])) return true;
  return false;
}

/** The rare forms: `Tue Nov 24 02:47:05 2026`, `24 Nov 2026 …`, foreign months, and `Tue 2026-11-24 02:47:05 EET`. */
function readNamed(bytes: Buffer, start: number, end: number, stamp: Stamp): number {
  const weekday = tokenEnd(bytes, start, end);
  if (weekday - start <= 24 && bytes[weekday - 1] !== colon && isIso(bytes, weekday + 1)) {
    const zoneEnd = tokenEnd(bytes, weekday + 21, end);
    if (isUpper(bytes[weekday + 21])) return stampOf(stamp, "iso", weekday + 1, zoneEnd, zoneEnd + 1);
    return readIso(bytes, weekday + 1, end, stamp);
  }
  const text = bytes.toString("utf8", start, Math.min(end, start + 2 * namedStampMax));
  const length = namedStampLength(text);
  if (length === undefined) return -1;
  const stampEnd = start + Buffer.byteLength(text.slice(0, length));
  return stampOf(stamp, "named", start, stampEnd, stampEnd + 1);
}

/** The end of the word at `start`: its blank, or the line's end, or where it is too long to be a stamp. */
export function tokenEnd(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + tokenBytesMax);
  let i = start;
  while (i < stop && bytes[i] !== space) i++;
  return i;
}

/** Behind the blanks at `start`. */
export function skipBlanks(bytes: Buffer, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] === space) i++;
  return i;
}

export function isDigit(c: number | undefined): boolean {
  return c !== undefined && c >= 48 && c <= 57;
}

function isUpper(c: number | undefined): boolean {
  return c !== undefined && c >= 65 && c <= 90;
}

function isHex(c: number | undefined): boolean {
  return isDigit(c) || (c !== undefined && c >= 97 && c <= 102);
}
