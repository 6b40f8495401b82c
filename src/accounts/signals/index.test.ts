import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { signals } from "./index.ts";

test("every signal of the folder is in the list, once", () => {
  const files = readdirSync(import.meta.dirname).filter((name) => !name.startsWith("index."));
  assert.equal(signals.length, files.length);
  assert.equal(new Set(signals.map(({ name }) => name)).size, signals.length);
});
