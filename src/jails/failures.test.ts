import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { makeFailureCounter } from "./failures.ts";

const minute = 60_000;

test("the sliding window counts exactly what lies within findtime", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }), (gaps) => {
      const counter = makeFailureCounter({ maxretry: 1000, findtimeMs: 600, method: "sliding" });
      const times: number[] = [];
      let now = 1_000_000;
      for (const gap of gaps) {
        now += gap;
        times.push(now);
        const want = times.filter((time) => time > now - 600).length;
        strictEqual(counter.add("192.0.2.1", now, now).count, want);
      }
    }),
  );
});

for (const method of ["sliding", "estimate"] as const) {
  test(`${method}: maxretry failures ban, and the id starts again`, () => {
    const counter = makeFailureCounter({ maxretry: 3, findtimeMs: 10 * minute, method });
    const bans = [0, 1, 2, 3, 4, 5].map((at) => counter.add("192.0.2.1", at * minute, at * minute).ban);
    deepStrictEqual(bans, [false, false, true, false, false, true]);
    strictEqual(counter.size, 0);
  });

  test(`${method}: ids are counted apart, and one can be forgotten`, () => {
    const counter = makeFailureCounter({ maxretry: 3, findtimeMs: 10 * minute, method });
    counter.add("a", 1, 1);
    counter.add("a", 2, 2);
    strictEqual(counter.add("b", 3, 3).count, 1);
    ok(counter.forget("a"));
    strictEqual(counter.add("a", 4, 4).count, 1);
  });

  test(`${method}: memory has an end`, () => {
    const counter = makeFailureCounter({ maxretry: 3, findtimeMs: 10 * minute, method }, 100);
    for (let i = 0; i < 1000; i++) counter.add(String(i), i, i);
    strictEqual(counter.size, 100);
    counter.add("late", 60 * minute, 60 * minute);
    strictEqual(counter.size, 1);
  });

  test(`${method}: a failure is never in the future`, () => {
    const counter = makeFailureCounter({ maxretry: 9, findtimeMs: 10 * minute, method });
    strictEqual(counter.add("a", 99 * minute, minute).count, 1);
    strictEqual(counter.add("a", minute, minute).count, 2);
  });
}

test("the estimate spreads old failures evenly, the window forgets them", () => {
  const at = [0, 0, 0, 0, 15 * minute];
  const last = (method: "sliding" | "estimate") => {
    const counter = makeFailureCounter({ maxretry: 9, findtimeMs: 10 * minute, method });
    return at.map((time) => counter.add("a", time, time).count).at(-1);
  };
  // Four in fifteen minutes are thought of as 2.67 in ten: three, and the one that came.
  strictEqual(last("sliding"), 1);
  // The estimate forgets an id whose last failure is older than findtime only at a clean-up, which comes after counting.
  strictEqual(last("estimate"), 4);
});
