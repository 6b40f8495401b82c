// Postfix's time values: a number with s, m, h, d or w.

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Seconds of `100s`, `5m`, `1d` (postconf(5), "time units"); a bare number counts seconds. Undefined for anything else. */
export function parseSeconds(text: string): number | undefined {
  const match = /^\s*(\d{1,9})\s*([smhdw]?)\s*$/i.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * (unitSeconds[(match[2] ?? "").toLowerCase()] ?? 1);
}
