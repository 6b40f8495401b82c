// A ticket: the failures of one address or network that reached maxretry. It becomes the row of a ban.

export interface Ticket {
  readonly jail: string;
  /** A printed address or network; of some of Fail2ban's filters another id, which no firewall can ban. */
  readonly id: string;
  /** The last failure, ms since the epoch: the ban begins there. */
  readonly at: number;
  readonly reason: string;
  /** The failures that count, oldest first, as far as they are known. */
  readonly curve: readonly CurvePoint[];
  /** What the jail says, shortened where the ban was softened; undefined: without end. */
  readonly bantimeMs: number | undefined;
}

export interface CurvePoint {
  readonly at: number;
  /** Failures that counted then. */
  readonly count: number;
  /** The line, when it is still kept. */
  readonly line?: string;
}

/** Lines of one ban, and their characters: evidence is a row beside the ban. */
const linesMax = 10;
const evidenceCharsMax = 8_000;

/** What the row of the ban keeps: `{"curve":[[at,count],…],"lines":["…",…]}`, the last lines first to stay. */
export function printEvidence({ curve }: Ticket): string {
  const points = curve.slice(-64).map(({ at, count }) => [at, count]);
  const lines = curve.flatMap(({ line }) => (line === undefined ? [] : [line])).slice(-linesMax);
  for (;;) {
    const text = JSON.stringify({ curve: points, lines });
    if (text.length <= evidenceCharsMax || lines.length === 0) return text;
    lines.shift();
  }
}

/** What `printEvidence` prints, and what an import or an older version wrote; whatever else stands there shows nothing. */
export function parseEvidence(text: string): {
  readonly curve: readonly CurvePoint[];
  readonly lines: readonly string[];
} {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null) return { lines: [], curve: [] };
  const { lines, curve } = value as { readonly lines?: unknown; readonly curve?: unknown };
  return {
    lines: Array.isArray(lines) ? lines.filter((line) => typeof line === "string") : [],
    curve: Array.isArray(curve) ? curve.flatMap(parsePoint) : [],
  };
}

function parsePoint(point: unknown): CurvePoint[] {
  if (!Array.isArray(point)) return [];
  const [at, count] = point as readonly unknown[];
  return typeof at === "number" && Number.isSafeInteger(at) && typeof count === "number" && Number.isFinite(count)
    ? [{ at, count: Math.round(count) }]
    : [];
}

function parseJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
