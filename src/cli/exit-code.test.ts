import assert from "node:assert/strict";
import { test } from "node:test";
import { Problem, type ProblemCode } from "../core/problem.ts";
import { exitCodeOf } from "./exit-code.ts";

test("each kind of mistake ends with its code of the interface", () => {
  const cases: readonly (readonly [code: ProblemCode, exit: number])[] = [
    ["usage", 2],
    ["control/unreachable", 3],
    ["explain/nothing-found", 4],
    ["quota/unknown-key", 4],
    ["group/unknown", 4],
    ["jails/unknown", 4],
    ["rules/bad-member", 5],
    ["rules/unknown-key", 5],
    ["quota/bad-raise", 5],
    ["config/bad-value", 78],
    ["listen/not-loopback", 78],
    ["store/url", 78],
    ["store/locked", 1],
    ["input/unreadable", 1],
  ];
  for (const [code, exit] of cases) assert.equal(exitCodeOf([new Problem("x", { code })]), exit, code);
  assert.equal(exitCodeOf([]), 1);
});
