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
