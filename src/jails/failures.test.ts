import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FailureBudget } from "./failure-budget.ts";
import { makeFailureCounter } from "./failures.ts";

const minute = 60_000;

const failed = (at: number, mark = 0) => ({ at, line: -1, mark });

test("the sliding window counts exactly what lies within findtime", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }), (gaps) => {
      const counter = makeFailureCounter(
        { maxretry: 1000, findtimeMs: 600, method: "sliding" },
        new FailureBudget(1_000_000),
      );
      const times: number[] = [];
      let now = 1_000_000;
      for (const gap of gaps) {
        now += gap;
        times.push(now);
        const want = times.filter((time) => time > now - 600).length;
        strictEqual(counter.add("192.0.2.1", failed(now), now).count, want);
      }
    }),
  );
});

for (const method of ["sliding", "estimate"] as const) {
  test(`${method}: maxretry failures ban, and the id starts again`, () => {
    const counter = makeFailureCounter({ maxretry: 3, findtimeMs: 10 * minute, method }, new FailureBudget(1_000_000));
    const bans = [0, 1, 2, 3, 4, 5].map((at) => counter.add("192.0.2.1", failed(at * minute), at * minute).ban);
    deepStrictEqual(bans, [false, false, true, false, false, true]);
    strictEqual(counter.size, 0);
  });

  test(`${method}: ids are counted apart, and one can be forgotten`, () => {
    const counter = makeFailureCounter({ maxretry: 3, findtimeMs: 10 * minute, method }, new FailureBudget(1_000_000));
    counter.add("a", failed(1), 1);
    counter.add("a", failed(2), 2);
    strictEqual(counter.add("b", failed(3), 3).count, 1);
    ok(counter.forget("a"));
    strictEqual(counter.add("a", failed(4), 4).count, 1);
  });

  test(`${method}: memory has an end`, () => {
    const counter = makeFailureCounter({ maxretry: 3, findtimeMs: 10 * minute, method }, new FailureBudget(100));
    for (let i = 0; i < 1000; i++) counter.add(String(i), failed(i), i);
    strictEqual(counter.size, 100);
    counter.add("late", failed(60 * minute), 60 * minute);
    strictEqual(counter.size, 1);
  });

  test(`${method}: a failure is never in the future`, () => {
    const counter = makeFailureCounter({ maxretry: 9, findtimeMs: 10 * minute, method }, new FailureBudget(1_000_000));
    strictEqual(counter.add("a", failed(99 * minute), minute).count, 1);
    strictEqual(counter.add("a", failed(minute), minute).count, 2);
  });
}

test("the estimate spreads old failures evenly, the window forgets them", () => {
  const at = [0, 0, 0, 0, 15 * minute];
  const last = (method: "sliding" | "estimate") => {
    const counter = makeFailureCounter({ maxretry: 9, findtimeMs: 10 * minute, method }, new FailureBudget(1_000_000));
    return at.map((time) => counter.add("a", failed(time), time).count).at(-1);
  };
  // Four in fifteen minutes are thought of as 2.67 in ten: three, and the one that came.
  strictEqual(last("sliding"), 1);
  // The estimate forgets an id whose last failure is older than findtime only at a clean-up, which comes after counting.
  strictEqual(last("estimate"), 4);
});

test("a success takes back the failures of its own account only", () => {
  const counter = makeFailureCounter(
    { maxretry: 4, findtimeMs: 10 * minute, method: "sliding" },
    new FailureBudget(1_000_000),
  );
  for (const mark of [7, 8, 7]) counter.add("a", failed(minute, mark), minute);
  strictEqual(counter.lower("a", 7), 2);
  ok(counter.has("a", 8, minute) && !counter.has("a", 7, minute));
  strictEqual(counter.add("a", failed(2 * minute, 7), 2 * minute).count, 2);
});

test("a ban tells the failures that count, and who failed last is told first", () => {
  const counter = makeFailureCounter(
    { maxretry: 2, findtimeMs: 10 * minute, method: "sliding" },
    new FailureBudget(1_000_000),
  );
  counter.add("a", { at: 2, line: 20, mark: 0 }, 5);
  counter.add("b", { at: 3, line: 30, mark: 0 }, 5);
  deepStrictEqual(counter.last(5), [
    ["b", 1, 3],
    ["a", 1, 2],
  ]);
  // A line that comes late stands where it belongs.
  deepStrictEqual(counter.add("a", { at: 1, line: 10, mark: 0 }, 5).failures, [
    { at: 1, line: 10, mark: 0 },
    { at: 2, line: 20, mark: 0 },
  ]);
});
