// The usual header: `host program[pid]: ` behind the stamp, as nearly every line of a mail log has it. Read in one run over its
// bytes; whatever looks otherwise is left to header.ts, which would find the same.

/** Where program and message stand in the bytes of a line. */
export interface ProgramPlace {
  /** Empty (start = end) when the line has none and the message begins with the service (Dovecot's own log file). */
  programStart: number;
  programEnd: number;
  messageStart: number;
}

/** A longer host or program name is left to header.ts. */
const wordBytesMax = 64;
const pidDigitsMax = 10;

const space = 32;
const bracket = 40;
const colon = 58;
const open = 91;
const close = 93;

/** Fills in program and message when the words at `start` are `host program: ` or `host program[pid]: ` with a message behind. */
export function readUsualProgram(bytes: Buffer, start: number, end: number, header: ProgramPlace): boolean {
  const name = afterHost(bytes, start, end);
  if (name < 0) return false;
  const stop = Math.min(end, name + wordBytesMax);
  let i = name;
  let c = bytes[i] ?? 0;
  while (i < stop && c !== open && c !== colon && c !== space) {
    i++;
    c = bytes[i] ?? 0;
  }
  if (i === name) return false;
  const nameEnd = i;
  if (c === open) {
    i = afterPid(bytes, i + 1, end);
    if (i < 0) return false;
  }
  const message = i + 2;
  if (message >= end || bytes[i] !== colon || bytes[i + 1] !== space) return false;
  const first = bytes[message];
  // More blanks, or Solaris' `[ID 197553 mail.info]`.
  if (first === space || first === open) return false;
  header.programStart = name;
  header.programEnd = nameEnd;
  header.messageStart = message;
  return true;
}

/** Where the word behind the host begins; -1 when the first word may be something else (`<mail.info>`, `program:`, `auth(…`). */
function afterHost(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + wordBytesMax);
  const first = bytes[start] ?? 0;
  let i = start;
  let c = first;
  while (i < stop && c !== space && c !== bracket) {
    i++;
    c = bytes[i] ?? 0;
  }
  // No letter or digit begins so: a second blank, a priority, metalog's brackets.
  if (first < 48 || first === 60 || first === open || c !== space || bytes[i - 1] === colon) return -1;
  return i + 1;
}

/** Behind `4711]`; -1 when it is none. */
function afterPid(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + pidDigitsMax);
  let i = start;
  let c = bytes[i] ?? 0;
  while (i < stop && c >= 48 && c <= 57) {
    i++;
    c = bytes[i] ?? 0;
  }
  return c === close ? i + 1 : -1;
}
