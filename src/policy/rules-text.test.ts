import assert from "node:assert/strict";
import { test } from "node:test";
import { lintText } from "./rules-text.ts";

for (const [verdict, text, ...levels] of [
  ["reject", ""],
  ["reject", "554 5.7.1 no"],
  ["reject", "421 bye", "warning"],
  ["reject", "4210 lines"],
  ["reject", "4"],
  ["defer", "later"],
  ["defer", "451 4.7.1 Later"],
  ["defer", "550 x", "error"],
  ["defer", "550", "error"],
  ["defer", "5500 lines"],
  ["hold", "h"],
  ["discard", ""],
  ["ok", "550 x"],
  ["filter", "f:"],
  ["filter", "smtp:[192.0.2.1]:25"],
  ["filter", "smtp", "error"],
  ["filter", "", "error"],
  ["filter", ":x", "error"],
  ["filter", "smtp: x", "error"],
  ["redirect", "x@y.z"],
  ["redirect", "x", "error"],
  ["redirect", "", "error"],
  ["redirect", "a@b@c", "error"],
  ["redirect", "a b@c", "error"],
  ["prepend", "X-Note: yes"],
  ["prepend", "X-Note:yes"],
  ["prepend", "X-Note", "error"],
  ["prepend", "X Note: yes", "error"],
  ["prepend", "X-Note: ", "error"],
  ["prepend", ": yes", "error"],
  ["reject", "a\nb", "warning"],
  ["reject", "ні", "warning"],
  ["reject", "\x7f", "warning"],
  ["reject", "x".repeat(400)],
  ["reject", "x".repeat(401), "error"],
  ["reject", "é".repeat(201), "error", "warning"],
  ["redirect", `${"x".repeat(400)}`, "error"],
  ["bogus", "550 x"],
] as const) {
  const told = levels.length === 0 ? "nothing" : levels.join(" and ");
  test(`${verdict} ${JSON.stringify(text.slice(0, 30))} tells ${told}`, () => {
    assert.deepEqual(
      lintText(verdict, text).map(({ level }) => level),
      levels,
    );
  });
}
