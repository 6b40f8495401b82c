// Numbered lines around many rotations of every kind: none is lost, none is seen twice. Of copytruncate only those may be
// missing that were written between the copy and the truncation: they stand in no file any more.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileSource } from "../../src/logs/sources/file.ts";
import { follow, Remembered } from "../log-follower.ts";
import { NumberedWriter, type Rotation, renameAndCreate, shiftRotated } from "../numbered-writer.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
const lines = full ? 10_000 : 3_000;
const rotations = full ? 50 : 15;
const linesPerSecond = 1_000;
/** None goes before it can have been read: without events that takes a second, and more on a busy machine. */
const keep = rotations + 1;

const kinds: readonly Rotation[] = [
  {
    name: "rename and create",
    rotate(path, writer) {
      renameAndCreate(path, writer, keep);
    },
  },
  {
    name: "rename, and the writer goes on in the old file for a while",
    rotate(path, writer) {
      shiftRotated(path, keep);
      renameSync(path, `${path}.1`);
      appendFileSync(path, "");
      setTimeout(() => writer.reopen(), 40);
    },
  },
  {
    name: "gzip after rename",
    rotate(path, writer) {
      renameAndCreate(path, writer, keep);
      execFileSync("gzip", ["-f", `${path}.1`]);
    },
  },
  {
    name: "copytruncate",
    rotate(path, writer) {
      shiftRotated(path, keep);
      copyFileSync(path, `${path}.1`);
      // Nothing is written between copy and truncation, because both happen in one turn of this thread.
      truncateSync(path);
      assert.ok(writer.written > 0);
    },
  },
  {
    name: "copytruncate and gzip",
    rotate(path) {
      shiftRotated(path, keep);
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
      execFileSync("gzip", ["-f", `${path}.1`]);
    },
  },
  {
    name: "copytruncate with lines in the copy window",
    rotate(path, writer) {
      shiftRotated(path, keep);
      copyFileSync(path, `${path}.1`);
      writer.writeInWindow(3);
      truncateSync(path);
    },
  },
  {
    name: "copytruncate under a writer that keeps its own offset",
    keepsOffset: true,
    rotate(path) {
      shiftRotated(path, keep);
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    },
  },
  {
    name: "delete and create, so that the inode may be used again",
    rotate(path, writer) {
      rmSync(path);
      writer.reopen();
    },
  },
  {
    name: "the folder is replaced",
    rotate(path, writer) {
      rmSync(`${dirname(path)}.old`, { recursive: true, force: true });
      renameSync(dirname(path), `${dirname(path)}.old`);
      mkdirSync(dirname(path));
      writer.reopen();
    },
  },
];

/** Without events only a look each second finds what happened: a file that was removed before it is gone for good. */
const unseen = new Set(["delete and create, so that the inode may be used again", "the folder is replaced"]);
const runs = [
  ...kinds.map((kind) => ({ ...kind, events: true })),
  ...kinds
    .filter(({ name }) => !unseen.has(name))
    .map((kind) => ({ ...kind, name: `${kind.name}, and the file system tells no events`, events: false })),
];

describe("rotations", { concurrency: true }, () => {
  for (const kind of runs) {
    test(`${kind.name}: nothing is lost, nothing is seen twice`, async () => {
      const root = mkdtempSync(join(tmpdir(), "postvarta-rotation-"));
      const path = join(root, "log", "mail.log");
      mkdirSync(dirname(path));
      const writer = new NumberedWriter(path, kind.keepsOffset === true);
      const remembered = new Remembered();
      const follower = await follow(remembered, (host) => [
        fileSource.create({ path, from: "end", events: kind.events }, host),
      ]);
      try {
        await writer.write({ lines, linesPerSecond, rotations, rotate: (own) => kind.rotate(path, own) });
        await writer.until(() => remembered.numbers.length >= lines - writer.inWindow.size);
        await follower.settled();
      } finally {
        await follower[Symbol.asyncDispose]();
        rmSync(root, { recursive: true, force: true });
      }
      writer.check(remembered.numbers);
    });
  }
});
