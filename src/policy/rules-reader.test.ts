import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Problems } from "../core/problem.ts";
import { parseRules } from "./rules-file.ts";
import { readRulesFile } from "./rules-reader.ts";

const known = [{ name: "staff", members: ["$a@x.example"] }];

/** Longer than what is read without a thread. */
function largeFile(policies: number, more = ""): string {
  const text = Array.from({ length: policies }, (_, i) => {
    const member = `members = [{ source = "%staff,!$u${i}@y.example", destination = "@d${i}.example" }]`;
    return `[[policies]]\nname = "p${i}"\npriority = ${i % 7}\n${member}\n`;
  });
  return text.join("") + more;
}

test("a large file gives what parseRules gives, warnings with their places too", async () => {
  const text = largeFile(400, '[[policies]]\nname = "nobody"\nmembers = []\n');
  const here = parseRules(text, "rules.toml", known);
  assert.equal(here.warnings.length, 1);
  assert.deepEqual(await readRulesFile(text, "rules.toml", known, undefined), here);
});

test("mistakes of a large file keep code, place and mend", async () => {
  const text = largeFile(400, 'x = 1\n[[policies]]\nname = "p"\nmembers = [{ source = "%staf" }]\n');
  const caught = async (read: () => unknown) => {
    try {
      await read();
    } catch (error) {
      assert.ok(error instanceof Problems);
      return error.list.map(({ line, code }) => [line, code]);
    }
    return assert.fail("nothing was thrown");
  };
  const here = await caught(() => parseRules(text, "rules.toml", known));
  assert.equal(here.length, 2);
  assert.deepEqual(await caught(() => readRulesFile(text, "rules.toml", known, undefined)), here);
});

test("while a large file is read, the thread that asked goes on", async () => {
  const reading = { done: false };
  const read = readRulesFile(largeFile(1_000), "rules.toml", known, undefined).then(() => {
    reading.done = true;
  });
  let turns = 0;
  while (!reading.done && turns < 1_000_000) {
    await nextTurn();
    turns++;
  }
  await read;
  // Parsed here, it would be one turn.
  assert.ok(turns > 100, `${turns} turns`);
});
