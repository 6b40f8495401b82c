// What the README tells a newcomer to paste is pasted here, against a daemon of our own; both languages say the same commands.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { DaemonChild } from "./daemon.ts";

const root = new URL("../..", import.meta.url).pathname;
const run = promisify(execFile);

function blocksOf(file: string): readonly string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map((found) => (found[1] ?? "").replace(/^ +/gm, ""));
}

test("both READMEs tell the same commands", () => {
  assert.deepEqual(blocksOf("README.uk.md"), blocksOf("README.md"));
});

test("the README's first verdict comes as it says", async () => {
  await using daemon = await DaemonChild.start({ rules: "" });
  const [start = "", ...blocks] = blocksOf("README.md");
  assert.match(start, /^POSTVARTA__POLICY__MODE=enforce \.\/start\n$/);
  const env = { ...process.env, POSTVARTA__CONTROL__SOCKET: join(daemon.directory, "control.sock") };
  const outputs: string[] = [];
  for (const block of blocks) {
    const script = block.replace("/127.0.0.1/10031", `/127.0.0.1/${daemon.port}`);
    const { stdout } = await run("bash", ["-euc", script], { cwd: root, env, timeout: 20_000 });
    outputs.push(stdout);
  }
  const [applied = "", asked = "", explained = ""] = outputs;
  assert.match(applied, /newusers to not internal/);
  const passed = "action=DUNNO\n".repeat(4);
  assert.equal(asked, `${passed}action=REJECT LIMIT AT QUOTAUSE\naction=DUNNO\n`);
  assert.match(explained, /LIMIT AT QUOTAUSE/);
  assert.match(explained, /2 \+ 1 of 2 recipients in 1h/);
});
