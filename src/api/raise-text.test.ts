import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem } from "../core/problem.ts";
import { parseRaiseEnd, parseRaiseTo } from "./raise-text.ts";

const now = Date.parse("2026-03-10T12:00:00Z");
const refused = (error: unknown) =>
  error instanceof Problem && error.code === "quota/bad-raise" && error.hint !== undefined;

test("a new limit is a number, with the counter and the period where they are needed", () => {
  assert.deepEqual(parseRaiseTo("500"), { max: 500, count: undefined, per: undefined });
  assert.deepEqual(parseRaiseTo("500/1h"), { max: 500, count: undefined, per: "1h" });
  assert.deepEqual(parseRaiseTo("500/recipients"), { max: 500, count: "recipients", per: undefined });
  assert.deepEqual(parseRaiseTo("9/kilobytes/1d"), { max: 9, count: "kilobytes", per: "1d" });
  assert.deepEqual(parseRaiseTo("9/60m"), { max: 9, count: undefined, per: "1h" });
  assert.deepEqual(parseRaiseTo("9/messages/month"), { max: 9, count: "messages", per: "month" });
  for (const text of [
    "",
    "x",
    "-1",
    "1.5",
    "1e3",
    "5/",
    "5/0",
    "5/apples",
    "5/recipients/1h/1h",
    "5/recipients/soon",
    "9".repeat(16),
  ]) {
    assert.throws(() => parseRaiseTo(text), refused, text);
  }
});

test("an end is an ISO time, the next HH:MM here, or a duration from now", () => {
  assert.equal(parseRaiseEnd("2h", now), now + 7_200_000);
  assert.equal(parseRaiseEnd("2026-03-10T18:00Z", now), Date.parse("2026-03-10T18:00:00Z"));
  assert.equal(parseRaiseEnd("2026-03-10T18:00:00+02:00", now), Date.parse("2026-03-10T16:00:00Z"));
  const clock = new Date(parseRaiseEnd("07:30", now));
  assert.deepEqual([clock.getHours(), clock.getMinutes(), clock.getTime() > now], [7, 30, true]);
  assert.ok(clock.getTime() - now <= 86_400_000 + 3_600_000);
  for (const text of ["", "soon", "25:00", "12:60", "2026-13-01", "2026-03-10T11:00Z", "2030-01-01", "0", "tomorrow"]) {
    assert.throws(() => parseRaiseEnd(text, now), refused, text);
  }
});
