import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readAliases } from "./aliases.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-aliases-"));
after(() => rmSync(root, { recursive: true }));

test("an aliases file gives its pairs, and no file gives none", () => {
  const file = join(root, "good");
  writeFileSync(file, "bob robert\n");
  assert.deepEqual(readAliases(file), [{ alias: "bob", account: "robert" }]);
  assert.deepEqual(readAliases(""), []);
});

test("a bad line and a missing file are told with their place", () => {
  const file = join(root, "bad");
  writeFileSync(file, "bob robert\nlonely\n");
  const message = `${file}:2: an alias line has 1 words: alias account`;
  assert.throws(() => readAliases(file), { name: "Problems", message });
  const missing = join(root, "missing");
  const absent = `${missing}: cannot be read: there is no such file`;
  assert.throws(() => readAliases(missing), { name: "Problems", message: absent });
});
