// What a piece of `journalctl --output=json` says about itself: the cursor behind it, what journald threw away, and which
// entries were read before.

export interface JournalMark {
  /** The piece without entries that were read before. */
  readonly bytes: Buffer;
  /** Of the last entry; undefined when the piece has none. */
  readonly cursor: string | undefined;
  /** Microseconds since the epoch, of the last entry. */
  readonly atUs: number;
  /** Messages that journald suppressed, by its own words in this piece. */
  readonly suppressed: number;
}

const suppressedText = Buffer.from("Suppressed ");

/** Reads a piece of whole lines. Entries at or before `seenUntilUs` are left out; 0 leaves out none. */
export function readMark(bytes: Buffer, seenUntilUs: number): JournalMark {
  const fresh = seenUntilUs === 0 ? bytes : behind(bytes, seenUntilUs);
  const last = parseEntry(lastLine(bytes));
  return {
    bytes: fresh,
    cursor: textOf(last?.["__CURSOR"]),
    atUs: Number(textOf(last?.["__REALTIME_TIMESTAMP"]) ?? 0),
    suppressed: countSuppressed(fresh),
  };
}

function lastLine(bytes: Buffer): string {
  const end = bytes[bytes.length - 1] === 10 ? bytes.length - 1 : bytes.length;
  return bytes.toString("utf8", end === 0 ? 0 : bytes.lastIndexOf(10, end - 1) + 1, end);
}

/** From the first entry on that is later. */
function behind(bytes: Buffer, seenUntilUs: number): Buffer {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    const stop = end < 0 ? bytes.length : end;
    const at = Number(textOf(parseEntry(bytes.toString("utf8", start, stop))?.["__REALTIME_TIMESTAMP"]) ?? 0);
    if (at > seenUntilUs) return bytes.subarray(start);
    start = stop + 1;
  }
  return bytes.subarray(0, 0);
}

/** `Suppressed 123 messages from postfix.service`: only journald itself writes by the transport `driver`. */
function countSuppressed(bytes: Buffer): number {
  let sum = 0;
  for (let at = bytes.indexOf(suppressedText); at >= 0; ) {
    const start = at === 0 ? 0 : bytes.lastIndexOf(10, at) + 1;
    const end = bytes.indexOf(10, at);
    const entry = parseEntry(bytes.toString("utf8", start, end < 0 ? bytes.length : end));
    const found = /^Suppressed (\d{1,9}) messages from /.exec(textOf(entry?.["MESSAGE"]) ?? "");
    if (found !== null && textOf(entry?.["_TRANSPORT"]) === "driver") sum += Number(found[1]);
    if (end < 0) break;
    at = bytes.indexOf(suppressedText, end);
  }
  return sum;
}

function parseEntry(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
