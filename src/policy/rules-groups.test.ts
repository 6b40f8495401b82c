import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "../config/document.ts";
import { checkGroups, type KnownGroup } from "./rules-groups.ts";

/** Lines of the problems of groups that each name others. */
function told(groups: Readonly<Record<string, readonly string[]>>, known: readonly KnownGroup[] = []): string[] {
  const text = Object.entries(groups)
    .map(([name, members]) => `[[groups]]\nname = ${JSON.stringify(name)}\nmembers = ${JSON.stringify(members)}\n`)
    .join("");
  return checkGroups(parseDocument(text, "p.toml"), known).problems.map(({ line }) => line);
}

const mend = "take one of these groups out of another";

test("groups may share a group, and name one twice", () => {
  assert.deepEqual(told({ a: ["%c", "%c"], b: ["%c", "!%a"], c: ["$x"] }), []);
});

test("a cycle is told once, with its chain, whatever leads to it", () => {
  assert.deepEqual(told({ a: ["%a"] }), [`p.toml:2: group "a" contains itself: a → a: ${mend}`]);
  assert.deepEqual(told({ z: ["%a"], a: ["$x", "!%b"], b: ["%c"], c: ["%a"], d: ["%c"] }), [
    `p.toml:5: group "a" contains itself: a → b → c → a: ${mend}`,
  ]);
});

test("two cycles are told as two", () => {
  assert.equal(told({ a: ["%b"], b: ["%a"], c: ["%d"], d: ["%c"] }).length, 2);
});

test("a cycle through a group that stays beside the file is found", () => {
  const known = [{ name: "old", members: ["%a"] }];
  assert.deepEqual(told({ a: ["%old"] }, known), [`p.toml:1: group "old" contains itself: old → a → old: ${mend}`]);
  assert.deepEqual(told({ a: ["%old"], old: ["$x"] }, known), []);
});

function chain(length: number): Record<string, string[]> {
  const names = Array.from({ length }, (_, i) => `g${i + 1}`);
  return Object.fromEntries(names.map((name, i) => [name, i + 1 < length ? [`%g${i + 2}`] : ["$x"]]));
}

test("32 nested groups are read, 33 are refused at the one that is too deep", () => {
  assert.deepEqual(told(chain(32)), []);
  assert.deepEqual(told(chain(33)), ['p.toml:2: group "g1" nests other groups more than 32 deep: at most 32 deep']);
});

test("a chain as long as a file, and one that bites its tail, end", () => {
  assert.equal(told(chain(1_500)).length, 1);
  assert.equal(told({ ...chain(1_500), g1500: ["%g1"] }).length, 1);
});

test("an unknown group is told with the nearest known one", () => {
  const known = [{ name: "newuser", members: [] }];
  assert.deepEqual(told({ a: ["%newusr"] }, known), [
    'p.toml:3: group "%newusr" does not exist: did you mean "%newuser"?',
  ]);
  assert.deepEqual(told({ a: ["%xyz"] }), ['p.toml:3: group "%xyz" does not exist: known groups: %a']);
  assert.deepEqual(told({ a: ["%__proto__"] }), ['p.toml:3: group "%__proto__" does not exist: known groups: %a']);
});
