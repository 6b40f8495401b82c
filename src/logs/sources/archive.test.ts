import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { steadyClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import type { Consumer } from "../follow.ts";
import { replayLogs } from "../replay.ts";

const directory = mkdtempSync(join(tmpdir(), "postvarta-archive-"));
process.on("exit", () => rmSync(directory, { recursive: true }));

const lines: Consumer<string> = {
  see: ({ bytes, starts, ends, count }) =>
    Array.from({ length: count }, (_, i) => bytes.toString("utf8", starts[i], ends[i])),
};

async function replay(paths: readonly string[]) {
  const seen: string[] = [];
  const shares: number[] = [];
  const progress = await replayLogs<string>({
    paths,
    consumers: [lines],
    commit: async ({ writes }) => void seen.push(...writes),
    clock: steadyClock(),
    log: silentLog,
    onProgress: ({ share }) => shares.push(share),
  });
  return { seen, shares, progress };
}

const textOf = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}\n`).join("");

test("old logs, packed and plain, are read once in their order, the last line without LF too", async () => {
  const [old, young] = [join(directory, "mail.log.1"), join(directory, "mail.log")];
  writeFileSync(old, textOf(1, 40_000));
  execFileSync("gzip", [old]);
  writeFileSync(young, textOf(40_001, 90_000).slice(0, -1));
  const { seen, shares, progress } = await replay([`${old}.gz`, young]);
  assert.deepEqual(seen, textOf(1, 90_000).trimEnd().split("\n"));
  assert.equal(progress.share, 1);
  assert.equal(shares.at(-1), 1);
  assert.equal(progress.bytes, textOf(1, 90_000).length - 1);
});

test("a file that is not there is a Problem", async () => {
  await assert.rejects(replay([join(directory, "none.log")]), { code: "logs/unreadable" });
});
