// docs/threats.md says which test shows what: the files are there, and tests that name a threat name one of the page.

import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const root = path.join(import.meta.dirname, "../..");
const page = readFileSync(path.join(root, "docs/threats.md"), "utf8");

interface Row {
  readonly id: string;
  readonly files: readonly string[];
}

const rows = page.split("\n").flatMap((line): Row[] => {
  const [, id = "", , , shown = ""] = line.split("|").map((cell) => cell.trim());
  return /^T?\d+$/.test(id) ? [{ id, files: [...shown.matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? "") }] : [];
});

test("every row names tests, and every test that is named is there", () => {
  assert.ok(rows.length >= 35, `${rows.length} rows`);
  for (const { id, files } of rows) assert.ok(files.length > 0, id);
  const named = [...page.matchAll(/`((?:src|tests)\/[^`]+)`/g)].map(([, file]) => file ?? "");
  assert.deepEqual(
    named.filter((file) => !file.endsWith(".test.ts") || !existsSync(path.join(root, file))),
    [],
  );
});

test("a test whose title begins with a threat stands in that threat's row", () => {
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const missing = globSync("tests/**/*.test.ts", { cwd: root }).flatMap((file) => {
    const text = readFileSync(path.join(root, file), "utf8");
    const titles = [...text.matchAll(/\btest\(\s*["'`]((?:T\d+ ?)+):/g)].flatMap(
      ([, ids]) => ids?.trim().split(" ") ?? [],
    );
    return titles.filter((id) => !rowOf.get(id)?.files.includes(file)).map((id) => `${id} ${file}`);
  });
  assert.deepEqual(missing, []);
});
