import assert from "node:assert/strict";
import { test } from "node:test";
import { problemCodes } from "../src/core/problem.ts";
import { referencePages, stalePages } from "./reference.ts";
import { helpOf, leafCommands } from "./reference-interfaces.ts";

test("the reference pages are what the schemas say", async () => {
  assert.deepEqual(stalePages(await referencePages()), [], "run: node scripts/reference.ts");
});

test("a page with another text is stale, and so is one that is missing", () => {
  const pages = new Map([
    ["docs/reference/config.md", "something else"],
    ["docs/reference/no-such-page.md", ""],
  ]);
  assert.deepEqual(stalePages(pages), [...pages.keys()]);
});

test("every problem code has its line, and every key its row", async () => {
  const pages = await referencePages();
  for (const code of Object.keys(problemCodes))
    assert.ok(pages.get("docs/reference/problems.md")?.includes(`\`${code}\``));
  for (const key of ["keep_decisions_days", "url_file", "journal", "addresses", "watch_group"])
    assert.match(pages.get("docs/reference/config.md") ?? "", new RegExp(`\`${key}\``));
  for (const key of ["track", "null_sender", "per", "destination", "comment"])
    assert.match(pages.get("docs/reference/policies-file.md") ?? "", new RegExp(`\`${key}\``));
});

test("every verb has a help with an example that begins with its name", async () => {
  const commands = await leafCommands();
  assert.ok(commands.length >= 14);
  for (const [name, command] of commands) {
    const example = helpOf(command).split("Example:\n  ")[1] ?? "";
    assert.ok(example.startsWith(name), `${name}: ${example}`);
    assert.notEqual(command.description(), "", name);
  }
});
