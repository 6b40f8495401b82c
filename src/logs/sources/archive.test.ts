import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { follow, Remembered } from "../../../tests/log-follower.ts";
import { type ArchiveSettings, ArchiveSource } from "./archive.ts";
import { fileSource } from "./file.ts";

const directory = mkdtempSync(join(tmpdir(), "postvarta-archive-"));
process.on("exit", () => rmSync(directory, { recursive: true }));

async function replay(settings: ArchiveSettings, remembered = new Remembered()) {
  const sources: ArchiveSource[] = [];
  await using follower = await follow(remembered, (host) => {
    const source = new ArchiveSource(settings, host);
    sources.push(source);
    return [source];
  });
  await sources[0]?.ended;
  await follower.settled();
  return { seen: remembered.lines, remembered, progress: sources[0]?.progress };
}

const textOf = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `line n=${from + i}\n`).join("");
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test("old logs, packed and plain, are read once in their order, the last line without LF too", async () => {
  const [old, young] = [join(directory, "mail.log.1"), join(directory, "mail.log")];
  writeFileSync(old, textOf(1, 40_000));
  execFileSync("gzip", [old]);
  writeFileSync(young, textOf(40_001, 90_000).slice(0, -1));
  const { seen, progress } = await replay({ paths: [`${old}.gz`, young] });
  assert.deepEqual(seen, textOf(1, 90_000).trimEnd().split("\n"));
  assert.equal(progress?.share, 1);
  assert.equal(progress?.bytes, textOf(1, 90_000).length - 1);
});

test("a file that is not there is a Problem", async () => {
  await assert.rejects(replay({ paths: [join(directory, "none.log")] }), { code: "logs/unreadable" });
});

test("what was replayed is not replayed again, also when it has grown, was renamed and packed since", async () => {
  const path = join(directory, "grows.log");
  writeFileSync(path, textOf(1, 5_000));
  const { remembered } = await replay({ paths: [path] });
  appendFileSync(path, textOf(5_001, 9_000));
  renameSync(path, `${path}.1`);
  execFileSync("gzip", [`${path}.1`]);
  const { progress } = await replay({ paths: [`${path}.1.gz`] }, remembered);
  assert.deepEqual(remembered.numbers, upTo(9_000));
  assert.equal(progress?.knownBytes, textOf(1, 5_000).length);
  await replay({ paths: [`${path}.1.gz`] }, remembered);
  assert.equal(remembered.numbers.length, 9_000);
  await replay({ paths: [`${path}.1.gz`], again: true }, remembered);
  assert.equal(remembered.numbers.length, 18_000);
});

test("of a log that is followed from its end a replay brings what was there before", async () => {
  const path = join(directory, "followed.log");
  writeFileSync(path, textOf(1, 3_000));
  const remembered = new Remembered();
  const follower = await follow(remembered, (host) => [fileSource.create({ path, from: "end" }, host)]);
  appendFileSync(path, textOf(3_001, 4_000));
  for (let tries = 0; tries < 500 && remembered.lines.length < 1_000; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await follower[Symbol.asyncDispose]();
  await replay({ paths: [path] }, remembered);
  assert.deepEqual(
    remembered.numbers.toSorted((a, b) => a - b),
    upTo(4_000),
  );
  assert.equal(remembered.numbers.length, 4_000);
});

test("a replay that ends in the middle goes on there", async () => {
  const path = join(directory, "middle.log");
  writeFileSync(path, textOf(1, 300_000));
  const remembered = new Remembered();
  const sources: ArchiveSource[] = [];
  const follower = await follow(remembered, (host) => {
    sources.push(new ArchiveSource({ paths: [path] }, host));
    return sources;
  });
  while (remembered.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await follower[Symbol.asyncDispose]();
  assert.ok(remembered.numbers.length < 300_000);
  await replay({ paths: [path] }, remembered);
  assert.deepEqual(remembered.numbers, upTo(300_000));
});
