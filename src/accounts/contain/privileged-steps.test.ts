import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { kickLine, postsuperLine, safeIds } from "./privileged-steps.ts";

test("what is no queue id never comes near a command", () => {
  assert.deepEqual(safeIds(["4QabcZ1x2Y", "A1B2", "ALL", "-d", "x;rm", "", "a b", "$(id)"]), ["4QabcZ1x2Y", "A1B2"]);
});

test("a hostile login stays one word of the shell", () => {
  for (const login of ["olena@poshta.example", "x'); rm -rf ~ #", "$(id)`id`", "-u", "a\\'b"]) {
    const line = kickLine(login).replace("doveadm kick", "printf %s");
    assert.equal(execFileSync("sh", ["-c", line], { encoding: "utf8" }), login);
  }
});

test("many messages are several commands", () => {
  const ids = Array.from({ length: 120 }, (_, i) => `A${i}`);
  const lines = postsuperLine("-h", ids).split("; ");
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? "", /^postsuper -h A0 -h A1 /);
});
