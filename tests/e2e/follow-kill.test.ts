// kill -9 of a follower at random moments, while its log is written and rotated, also while nobody follows it: every line has
// its effect in the store exactly once.

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { NumberedWriter, type Rotation, renameAndCreate, shiftRotated } from "../numbered-writer.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
const lines = full ? 30_000 : 6_000;
const rotations = full ? 50 : 6;
const linesPerSecond = 1_000;
const keep = 99;
const killAfterMsMax = full ? 1_500 : 1_200;
const livesMin = 4;
const child = join(import.meta.dirname, "follow-child.ts");

const kinds: readonly Rotation[] = [
  {
    name: "rename and create",
    rotate(path, writer) {
      renameAndCreate(path, writer, keep);
    },
  },
  {
    name: "rename, create, and gzip of the one before",
    rotate(path, writer) {
      renameAndCreate(path, writer, keep);
      if (existsSync(`${path}.2`)) execFile("gzip", [`${path}.2`]);
    },
  },
  {
    name: "copytruncate",
    rotate(path) {
      shiftRotated(path, keep);
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    },
  },
];

/** Starts the follower again and again; every life but the last ends with SIGKILL, the last with `signal`. */
class Lives {
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #isOver = false;
  count = 0;

  constructor(...args: readonly string[]) {
    this.#args = args;
  }

  async start(): Promise<void> {
    this.count++;
    const process_ = spawn(process.execPath, [child, ...this.#args], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = process_;
    await new Promise((resolve) => process_.stdout.once("data", resolve));
  }

  /** At least four lives, however long a start takes on a busy machine; the writer may have ended by then. */
  async killAgainAndAgain(): Promise<void> {
    while (!this.#isOver || this.count < livesMin) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * killAfterMsMax));
      await this.end("SIGKILL");
      await this.start();
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const ending = this.#child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once("exit", resolve));
    ending.kill(signal);
    await ended;
  }
}

/** Numbers in the store, each as often as it was counted. */
function countedIn(database: string): readonly number[] {
  const db = new DatabaseSync(database, { readOnly: true });
  const rows = db.prepare("select kind, count from log_counts").all();
  db.close();
  return rows.flatMap(({ kind, count }) => Array.from({ length: Number(count) }, () => Number(String(kind).slice(2))));
}

describe("kill -9", { concurrency: true }, () => {
  for (const kind of kinds) {
    test(`killed again and again, ${kind.name}: every line has its effect once`, async () => {
      const directory = mkdtempSync(join(tmpdir(), "postvarta-follow-"));
      const [path, database] = [join(directory, "mail.log"), join(directory, "p.db")];
      const writer = new NumberedWriter(path);
      const lives = new Lives(path, database);
      await lives.start();
      const killing = lives.killAgainAndAgain();
      await writer.write({ lines, linesPerSecond, rotations, rotate: (own) => kind.rotate(path, own) });
      lives.stop();
      await killing;
      await writer.until(() => countedIn(database).length >= lines);
      await lives.end("SIGTERM");
      const counted = countedIn(database);
      rmSync(directory, { recursive: true, force: true });
      writer.check(counted);
      assert.ok(lives.count >= livesMin, `${lives.count} lives`);
    });
  }
});
