// The journal as journalctl exports it: one JSON object a line (`-o json`), or fields a line with an empty line between
// entries (`-o export`; systemd, Journal Export Formats). Both give entries with a time, a program and a message.

export interface JournalEntry {
  /** Milliseconds since the epoch, by the journal's own clock. */
  readonly at: number;
  readonly program: string;
  /** The process, by its number; empty where nothing says it. */
  readonly pid: string;
  readonly message: string;
}

/** The fields that name the process, the one that the journal saw itself first. */
const pidNames = ["_PID", "SYSLOG_PID"];

/** The entry in one object of `journalctl -o json`; undefined when it is none, or has no message or no name. */
export function entryOfJournal(object: object): JournalEntry | undefined {
  const fields = new Map<string, unknown>(Object.entries(object));
  const message = fieldText(fields.get("MESSAGE"));
  const program = fieldText(fields.get("SYSLOG_IDENTIFIER")) ?? fieldText(fields.get("_COMM"));
  const stamp = fieldText(fields.get("__REALTIME_TIMESTAMP")) ?? fieldText(fields.get("_SOURCE_REALTIME_TIMESTAMP"));
  if (message === undefined || program === undefined || stamp === undefined) return undefined;
  const pid = pidNames.map((name) => fieldText(fields.get(name))).find((value) => value !== undefined) ?? "";
  return { at: Math.floor(Number(stamp) / 1000), program, pid, message };
}

/** A field's text: a string, an array of bytes where it is not UTF-8, or the first of several values. */
function fieldText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const bytes: number[] = [];
  for (const item of value) {
    if (typeof item !== "number") return fieldText(value[0]);
    bytes.push(item);
  }
  return Buffer.from(bytes).toString("utf8");
}

/** The fields of an entry that are kept. */
const wanted = new Set(["MESSAGE", "SYSLOG_IDENTIFIER", "_COMM", "__REALTIME_TIMESTAMP", ...pidNames]);

/** The longest binary field that is kept; a longer one is read over. */
const fieldBytesMax = 64 * 1024;

/** Puts the lines of `journalctl -o export` together to entries. */
export class JournalExport {
  #fields = new Map<string, string>();
  /** A field in binary form: its name, and the bytes of its length and value so far. */
  #binaryName: string | undefined;
  #binary: Buffer[] = [];
  #binaryLength = 0;

  /** The entry that `line` completes: the empty line behind it. */
  see(line: Buffer): JournalEntry | undefined {
    if (this.#binaryName !== undefined) {
      this.#seeBinary(this.#binaryName, line);
      return undefined;
    }
    if (line.length === 0) return this.end();
    const equals = line.indexOf(61);
    if (equals < 0) {
      this.#binaryName = line.toString("latin1", 0, 64);
      this.#binary = [];
      this.#binaryLength = 0;
    } else {
      const name = line.toString("latin1", 0, Math.min(equals, 64));
      if (wanted.has(name)) this.#fields.set(name, line.toString("utf8", equals + 1, line.length));
    }
    return undefined;
  }

  /** The entry whose fields were seen, complete or not. */
  end(): JournalEntry | undefined {
    const fields = this.#fields;
    this.#fields = new Map();
    const message = fields.get("MESSAGE");
    const program = fields.get("SYSLOG_IDENTIFIER") ?? fields.get("_COMM");
    const stamp = fields.get("__REALTIME_TIMESTAMP");
    if (message === undefined || program === undefined || stamp === undefined) return undefined;
    const pid = pidNames.map((name) => fields.get(name)).find((value) => value !== undefined) ?? "";
    return { at: Math.floor(Number(stamp) / 1000), program, pid, message };
  }

  /** A length of 64 bits, little endian, the value, LF; both may hold LF bytes, at which the lines were split. */
  #seeBinary(name: string, line: Buffer): void {
    const length = this.#binaryLength + line.length + 1;
    if (length <= fieldBytesMax) this.#binary.push(Buffer.from(line), Buffer.of(10));
    this.#binaryLength = length;
    if (length < 9) return;
    const bytes = Buffer.concat(this.#binary);
    if (bytes.length < 9) return;
    const valueLength = Number(bytes.readBigUInt64LE(0));
    if (length < 8 + valueLength + 1) return;
    if (wanted.has(name) && bytes.length === length) this.#fields.set(name, bytes.toString("utf8", 8, 8 + valueLength));
    this.#binaryName = undefined;
    this.#binary = [];
  }
}
