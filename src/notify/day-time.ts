// Times of day in a zone: when quiet hours end, when a digest goes out.

const dayMinutes = 1_440;
const minuteMs = 60_000;

export interface QuietHours {
  /** Minutes since midnight; `to` may be the next day's. */
  readonly from: number;
  readonly to: number;
}

/** Minutes since midnight in `zone` at `now` (ms since the epoch). */
function minuteOfDay(now: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  const [hour = "0", minute = "0"] = parts.format(now).split(":");
  return Number(hour) * 60 + Number(minute);
}

/** The next time from `now` on that a clock in `zone` shows `minutes` since midnight; an hour off on a day when the clock is changed. */
export function nextAt(now: number, minutes: number, zone: string): number {
  const wait = (minutes - minuteOfDay(now, zone) + dayMinutes) % dayMinutes;
  return Math.floor(now / minuteMs) * minuteMs + wait * minuteMs;
}

/** When the quiet hours end that `now` lies in; undefined outside them. */
export function quietUntil(now: number, quiet: QuietHours, zone: string): number | undefined {
  const minute = minuteOfDay(now, zone);
  const inside =
    quiet.from < quiet.to ? minute >= quiet.from && minute < quiet.to : minute >= quiet.from || minute < quiet.to;
  return inside ? nextAt(now, quiet.to, zone) : undefined;
}
