// Zones: local time of a log to the time of the world. Rules come from the runtime's zone data (ECMA-402, IANA names).

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How far behind the line before it a line may be without being taken for the second pass of a doubled hour. */
const disorderMs = 60_000;

/** A time zone: an IANA name, `UTC`, an offset such as `+02:00`, or what the machine has. */
export class Zone {
  /** As it was given; undefined: the machine's. */
  readonly name: string | undefined;
  readonly #fixedMs: number | undefined;
  readonly #offsetAt: (utcMs: number) => number;

  private constructor(name: string | undefined, fixedMs: number | undefined, offsetAt: (utcMs: number) => number) {
    this.name = name;
    this.#fixedMs = fixedMs;
    this.#offsetAt = offsetAt;
  }

  /** The zone of this name, or undefined when there is none. */
  static parse(name: string): Zone | undefined {
    const offset = parseOffset(name);
    if (offset !== undefined) return new Zone(name, offset, () => offset);
    try {
      const format = zoneFormat(name);
      return new Zone(name, undefined, (utcMs) => namedOffsetAt(format, utcMs));
    } catch {
      return undefined;
    }
  }

  /** The zone that TZ or the machine says. The runtime's own dates are in it; a format with its name would take 30 ms to make. */
  static ofMachine(): Zone {
    const offset = parseOffset(process.env["TZ"] ?? "");
    return offset === undefined
      ? new Zone(undefined, undefined, machineOffsetAt)
      : new Zone(undefined, offset, () => offset);
  }

  /** Milliseconds that local time is ahead of UTC at `utcMs`. */
  offsetAt(utcMs: number): number {
    return this.#offsetAt(utcMs);
  }

  /** The offset that holds from one local midnight to the next, or undefined on a day whose offset changes. */
  offsetOfDay(localMidnightMs: number): number | undefined {
    if (this.#fixedMs !== undefined) return this.#fixedMs;
    const before = this.offsetAt(localMidnightMs - dayMs);
    const after = this.offsetAt(localMidnightMs + 2 * dayMs);
    return before === after ? before : undefined;
  }

  /**
   * UTC of a local time given as if it were UTC. In an hour that occurs twice the second pass is taken once time would
   * otherwise run back behind `lastMs`; in an hour that does not occur the offset before the gap holds.
   */
  toUtc(localMs: number, lastMs: number): number {
    const before = this.offsetAt(localMs - dayMs);
    const after = this.offsetAt(localMs + dayMs);
    const first = localMs - before;
    const second = localMs - after;
    const firstHolds = this.offsetAt(first) === before;
    const secondHolds = this.offsetAt(second) === after;
    if (firstHolds && secondHolds)
      return first < lastMs - disorderMs ? Math.max(first, second) : Math.min(first, second);
    return secondHolds ? second : first;
  }
}

function machineOffsetAt(utcMs: number): number {
  return new Date(utcMs).getTimezoneOffset() * -60_000;
}

function namedOffsetAt(format: Intl.DateTimeFormat, utcMs: number): number {
  const field: Record<string, number> = {};
  for (const part of format.formatToParts(utcMs)) field[part.type] = Number(part.value);
  const local = Date.UTC(
    field["year"] ?? 0,
    (field["month"] ?? 1) - 1,
    field["day"] ?? 1,
    field["hour"] ?? 0,
    field["minute"] ?? 0,
    field["second"] ?? 0,
  );
  return local - Math.floor(utcMs / 1000) * 1000;
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
}

/**
 * `Z`, `UTC`, `GMT`, `+02:00`, `+0200`, `+02` in milliseconds; undefined when it is none, or further from UTC than
 * any place on earth (14 h), as a forged stamp may be.
 */
export function parseOffset(text: string): number | undefined {
  if (text === "Z" || text === "z" || text === "UTC" || text === "GMT") return 0;
  const match = /^([+-])(\d\d)(?::?(\d\d))?$/.exec(text);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  if (Number(match[3] ?? 0) > 59 || minutes > 14 * 60) return undefined;
  return (match[1] === "-" ? -minutes : minutes) * 60_000;
}
