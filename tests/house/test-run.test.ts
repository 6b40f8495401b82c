// What ./check says of the tests is what happened: a runner that counts a broken file as nothing would pass everything.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";

const runner = path.join(import.meta.dirname, "../../scripts/test-run.ts");
const head = 'import { describe, test } from "node:test";\n';

interface Case {
  readonly title: string;
  readonly text: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly RegExp[];
}

const cases: readonly Case[] = [
  { title: "passing", text: 'test("a", () => {});\ntest("b", () => {});\n', passed: 2, failed: 0, skipped: [] },
  {
    title: "failing-in-a-suite",
    text: 'describe("s", () => {\n  test("a", () => { throw new Error("no"); });\n  test("b", () => {});\n});\n',
    passed: 1,
    failed: 1,
    skipped: [],
  },
  { title: "broken-file", text: 'throw new Error("broken");\n', passed: 0, failed: 1, skipped: [] },
  { title: "ended-early", text: 'test("a", () => process.exit(3));\n', passed: 0, failed: 1, skipped: [] },
  {
    title: "skipping",
    text: 'test("a", { skip: "needs a moon" }, () => {});\ndescribe("s", { skip: "needs a sun" }, () => {});\n',
    passed: 0,
    failed: 0,
    skipped: [/skipping\.test\.ts:2: a: needs a moon$/, /skipping\.test\.ts:3: s: needs a sun$/],
  },
  {
    title: "hanging",
    text: 'test("a", () => new Promise((r) => setTimeout(r, 3_000)));\n',
    passed: 0,
    failed: 1,
    skipped: [],
  },
];

describe("the test run of ./check", () => {
  let dir = "";

  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "postvarta-test-run-"));
    await writeFile(path.join(dir, "package.json"), '{ "type": "module" }');
    for (const { title, text } of cases) await writeFile(path.join(dir, `${title}.test.ts`), head + text);
  });

  after(() => rm(dir, { recursive: true, force: true }));

  for (const { title, passed, failed, skipped } of cases) {
    test(`${title}: ${passed} passed, ${failed} failed, ${skipped.length} skipped`, () => {
      const counts = runOn(path.join(dir, `${title}.test.ts`));
      assert.deepEqual([counts.passed, counts.failed], [passed, failed]);
      assert.equal(counts.skipped.length, skipped.length);
      for (const [index, pattern] of skipped.entries()) assert.match(counts.skipped[index] ?? "", pattern);
    });
  }
});

/** In a process of its own: the runner refuses to run inside a test. A file, because node passes `-e` on to the tests. */
function runOn(file: string): { passed: number; failed: number; skipped: readonly string[] } {
  const script = path.join(path.dirname(file), "run.js");
  const options = JSON.stringify({ patterns: [file], fileTimeoutMs: 1_000, totalTimeoutMs: 10_000 });
  const code = `console.log("\\n" + JSON.stringify(await runTests(${options})));`;
  writeFileSync(script, `import { runTests } from ${JSON.stringify(runner)};\n${code}\n`);
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT;
  const stdio = ["ignore", "pipe", "ignore"] as const;
  const out = execFileSync(process.execPath, [script], { env, encoding: "utf8", stdio: [...stdio], timeout: 20_000 });
  return JSON.parse(out.trimEnd().split("\n").at(-1) ?? "");
}
