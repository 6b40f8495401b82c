// Durations as people write them: 1h, 30m, 1d12h; a plain number is seconds.

/** Largest first, the order in which they must be written and are printed. */
const units: ReadonlyArray<readonly [name: string, ms: number]> = [
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/** A hundred years: far beyond any window, and far below the edge of exact integers. */
const durationMsMax = 100 * 365 * 86_400_000;

const form = /^(?:(\d{1,13})w)?(?:(\d{1,13})d)?(?:(\d{1,13})h)?(?:(\d{1,13})m)?(?:(\d{1,13})s)?(?:(\d{1,13})ms)?$/;

/**
 * Milliseconds of `1h`, `30m`, `1h30m`, `500ms`, or of a plain whole number of seconds (text or number).
 * Units stand largest first, each once, without blanks. Undefined for everything else, and above a hundred years.
 */
export function parseDuration(value: string | number): number | undefined {
  const text = String(value);
  if (/^\d{1,13}$/.test(text)) return inRange(Number(text) * 1_000);
  const match = text === "" ? null : form.exec(text);
  if (match === null) return undefined;
  let ms = 0;
  for (const [i, [, unitMs]] of units.entries()) ms += Number(match[i + 1] ?? 0) * unitMs;
  return inRange(ms);
}

function inRange(ms: number): number | undefined {
  return ms <= durationMsMax ? ms : undefined;
}

/** The shortest text that `parseDuration` reads as `ms`, a whole number not below nought: `1h30m`, `2w`, `0`. */
export function printDuration(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [name, unitMs] of units) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${name}`;
    rest -= count * unitMs;
  }
  return text === "" ? "0" : text;
}
