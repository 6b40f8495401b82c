import assert from "node:assert/strict";
import { test } from "node:test";
import { PollTree } from "./poll-tree.ts";

function ask(tree: PollTree<{ name: string; literals: number[] }>, ...held: number[]) {
  const asked: number[] = [];
  const found: string[] = [];
  const holds = (literal: number) => {
    asked.push(literal);
    return held.includes(literal);
  };
  tree.each(holds, ({ name }) => found.push(name));
  return { asked, found: found.sort() };
}

test("a literal that many share is asked first and once, and its refusal is the end of all of them", () => {
  const tree = new PollTree<{ name: string; literals: number[] }>();
  for (let i = 1; i <= 5; i++) tree.add({ name: `p${i}`, literals: [i, 9] });
  assert.deepEqual(ask(tree), { asked: [9], found: [] });
  assert.deepEqual(ask(tree, 9, 2, 4), { asked: [9, 1, 2, 3, 4, 5], found: ["p2", "p4"] });
});

test("clauses without a literal hold always, and clauses may come after a question", () => {
  const tree = new PollTree<{ name: string; literals: number[] }>();
  tree.add({ name: "always", literals: [] });
  assert.deepEqual(ask(tree), { asked: [], found: ["always"] });
  tree.add({ name: "late", literals: [3] });
  assert.deepEqual(ask(tree, 3).found, ["always", "late"]);
});
