import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { test } from "node:test";
import { FailureBudget } from "./failure-budget.ts";
import { makeFailureCounter } from "./failures.ts";
import { SubnetCounter } from "./subnets.ts";

const minute = 60_000;
const setting = { maxretry: 3, findtimeMs: 10 * minute, method: "sliding" } as const;
const failed = (at: number) => ({ at, line: -1, mark: 0 });

test("whoever failed longest ago is forgotten, whichever jail counted him", () => {
  const budget = new FailureBudget(4);
  const [one, two] = [
    makeFailureCounter(setting, budget),
    makeFailureCounter({ ...setting, method: "estimate" }, budget),
  ];
  one.add("a", failed(1), 1);
  two.add("b", failed(2), 2);
  one.add("c", failed(3), 3);
  two.add("b", failed(4), 4);
  one.add("d", failed(5), 5);
  one.add("e", failed(6), 6);
  deepStrictEqual([one.last(9).map(([id]) => id), two.last(9).map(([id]) => id)], [["e", "d", "c"], ["b"]]);
  two.add("f", failed(7), 7);
  deepStrictEqual(
    [one.last(9).map(([id]) => id), two.last(9).map(([id]) => id)],
    [
      ["e", "d"],
      ["f", "b"],
    ],
  );
});

test("networks count as addresses do, and what is older than findtime counts no more", () => {
  const budget = new FailureBudget(1_000);
  const subnets = new SubnetCounter({ maxretry: 9, addresses: 3, findtimeMs: 10 * minute }, budget);
  for (let i = 0; i < 5_000; i++) subnets.add(`10.${i >> 8}.${i & 255}.1`, i);
  ok(budget.size <= 1_000, `${budget.size}`);
  subnets.add("192.0.2.1", 60 * minute);
  strictEqual(budget.size, 1);
});

test("an address that comes when the budget is full costs the same with ten times the budget", () => {
  const secondsOf = (max: number) => {
    const budget = new FailureBudget(max);
    const counter = makeFailureCounter({ ...setting, findtimeMs: 1e9 }, budget);
    for (let i = 0; i < max; i++) counter.add(`a${i}`, failed(i), i);
    const from = process.cpuUsage();
    for (let i = max; i < max + 40_000; i++) counter.add(`a${i}`, failed(i), i);
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1e6;
  };
  secondsOf(10_000);
  const [small, large] = [secondsOf(10_000), secondsOf(100_000)];
  ok(large < 5 * small + 0.5, `${large} s and ${small} s`);
});
