// Calendar periods: ISO weeks, leap days, time zones and the hours that a zone repeats or leaves out.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { periodAt, printPeriod, printWithin } from "./calendar.ts";
import { calendarPeriods } from "./rules.ts";

const at = (text: string) => Date.parse(text);

const cases: readonly (readonly [string, Parameters<typeof periodAt>[1], string, string, string, string])[] = [
  ["2024-12-30T12:00:00Z", "week", "UTC", "2025-W01", "2024-12-30T00:00:00Z", "2025-01-06T00:00:00Z"],
  ["2024-01-04T12:00:00Z", "week", "UTC", "2024-W01", "2024-01-01T00:00:00Z", "2024-01-08T00:00:00Z"],
  ["2021-01-03T12:00:00Z", "week", "UTC", "2020-W53", "2020-12-28T00:00:00Z", "2021-01-04T00:00:00Z"],
  ["2024-02-29T12:00:00Z", "month", "UTC", "2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"],
  ["2024-12-31T23:00:00Z", "month", "Europe/Kyiv", "2025-01", "2024-12-31T22:00:00Z", "2025-01-31T22:00:00Z"],
  ["2026-03-29T12:00:00Z", "day", "Europe/Kyiv", "2026-03-29", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"],
  ["2026-10-25T12:00:00Z", "day", "Europe/Kyiv", "2026-10-25", "2026-10-24T21:00:00Z", "2026-10-25T22:00:00Z"],
  // Beirut's clocks jump from 00:00 to 01:00: the day begins with the jump.
  ["2026-03-29T12:00:00Z", "day", "Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"],
  // Samoa left 2011-12-30 out: the 29th is followed by the 31st.
  ["2011-12-31T12:00:00Z", "day", "Pacific/Apia", "2012-01-01", "2011-12-31T10:00:00Z", "2012-01-01T10:00:00Z"],
  ["2026-07-01T12:00:00Z", "day", "Asia/Kathmandu", "2026-07-01", "2026-06-30T18:15:00Z", "2026-07-01T18:15:00Z"],
];

for (const [moment, unit, zone, name, from, to] of cases) {
  test(`${moment} lies in the ${unit} ${name} of ${zone}`, () => {
    assert.deepEqual(periodAt(at(moment), unit, zone), { name, startsAt: at(from), endsAt: at(to) });
  });
}

test("periods follow each other without a gap, and each holds its moments", () => {
  const zones = ["UTC", "Europe/Kyiv", "America/St_Johns", "Asia/Beirut", "Pacific/Chatham", "America/Sao_Paulo"];
  const moments = fc.integer({ min: at("1990-01-01T00:00:00Z"), max: at("2060-01-01T00:00:00Z") });
  fc.assert(
    fc.property(moments, fc.constantFrom(...calendarPeriods), fc.constantFrom(...zones), (now, unit, zone) => {
      const period = periodAt(now, unit, zone);
      assert.ok(period.startsAt <= now && now < period.endsAt);
      assert.equal(periodAt(period.endsAt, unit, zone).startsAt, period.endsAt);
      assert.deepEqual(periodAt(period.startsAt, unit, zone), period);
      assert.deepEqual(periodAt(period.endsAt - 1, unit, zone), period);
    }),
    { numRuns: 300 },
  );
});

test("a limit's period is a duration, or the calendar's word", () => {
  assert.deepEqual(
    [printPeriod("sliding", 86_400_000), printPeriod("day", 86_400_000), printPeriod("month", 31 * 86_400_000)],
    ["1d", "day", "month"],
  );
  assert.deepEqual([printWithin("1d"), printWithin("month")], ["in 1d", "a month"]);
});
