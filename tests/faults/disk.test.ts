// A disk that is full, fails or is read-only under the whole daemon: it answers from memory, in time, says so, and writes all when it
// can.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { DaemonChild } from "../e2e/daemon.ts";
import { needs } from "../needs.ts";
import { FaultyHouse } from "./faulty-house.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
/** 200 ms for the answer; more where other tests share the cores. */
const answerMsMax = full ? 250 : 600;
const faultMs = full ? 5_000 : 1_500;

/** A small file system of its own. */
class SmallDisk implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "postvarta-disk-"));

  constructor() {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", this.folder]);
  }

  get store(): string {
    return join(this.folder, "store.db");
  }

  /** Takes all space that is left; the function gives it back. */
  fill(): () => void {
    const ballast = join(this.folder, "ballast");
    const block = Buffer.alloc(4_096);
    assert.throws(() => {
      for (let i = 0; i < 10_000; i++) appendFileSync(ballast, block);
    }, /ENOSPC/);
    return () => rmSync(ballast);
  }

  remount(how: "ro" | "rw"): void {
    execFileSync("mount", ["-o", `remount,${how}`, this.folder]);
  }

  [Symbol.dispose](): void {
    execFileSync("umount", ["--lazy", this.folder]);
    rmSync(this.folder, { recursive: true });
  }
}

/** From here on every write of the process to a file fails with `error`; the function ends that. */
async function failWrites(pid: number, error: string): Promise<() => Promise<void>> {
  const calls = "pwrite64,fdatasync,fsync,ftruncate";
  const words = [
    "-f",
    "-o",
    "/dev/null",
    "-e",
    `trace=${calls}`,
    "-e",
    `inject=${calls}:error=${error}`,
    "-p",
    `${pid}`,
  ];
  const strace: ChildProcess = spawn("strace", words, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => strace.once("exit", () => resolve()));
  let said = "";
  strace.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  for (let tries = 0; !said.includes("attached"); tries++) {
    assert.ok(tries < 500 && strace.exitCode === null, said);
    await wait(10);
  }
  return async () => {
    strace.kill("SIGINT");
    await ended;
  };
}

/** Harms the store under load, and looks that all is well afterwards. */
async function harmAndHeal(path: string, harm: (daemon: DaemonChild) => Promise<() => Promise<void>>): Promise<void> {
  await using house = await FaultyHouse.start({ storeUrl: `sqlite:${path}` });
  await wait(500);
  assert.equal(await house.metric("postvarta_store_writable"), 1);
  house.load.takeWait(1);
  const heal = await harm(house.daemon);
  try {
    await house.untilWritable(false);
    await wait(faultMs);
    assert.match((await house.daemon.command("status")).stdout, /memory|not writable|unrecorded|disk/i);
  } finally {
    await heal();
  }
  await house.untilWritable(true);
  const p99 = house.load.takeWait(0.99);
  await wait(300);
  await house.rest();
  assert.equal(house.load.lost + house.load.refused, 0, "every question was answered, and none refused");
  assert.ok(p99 < answerMsMax, `p99 ${p99} ms`);
  assert.ok((await house.metric("postvarta_store_unrecorded_answers_total")) > 0, "the fault was not felt");
  assert.equal(await house.used(), house.load.messages);
  await house.daemon.kill();
  await house.daemon.run();
  assert.equal(await house.used(), house.load.messages, "all is on disk");
  await house.daemon.kill("SIGTERM");
  using database = new DatabaseSync(path);
  assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
}

test("a full disk: answers from memory, and all is written when there is space again", {
  skip: needs("root", "tmpfs"),
}, async () => {
  using disk = new SmallDisk();
  await harmAndHeal(disk.store, async () => {
    const free = disk.fill();
    return async () => free();
  });
});

for (const [what, error] of [
  ["a disk with I/O errors", "EIO"],
  ["a file system that the kernel made read-only", "EROFS"],
] as const) {
  test(`${what}: answers from memory, and all is written when it works again`, { skip: needs("strace") }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "postvarta-disk-"));
    try {
      await harmAndHeal(join(folder, "store.db"), (daemon) => failWrites(daemon.pid, error));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test("on a file system that is read-only the start is refused with a sentence, and works once it is writable", {
  skip: needs("root", "tmpfs"),
}, async () => {
  using disk = new SmallDisk();
  await using daemon = await DaemonChild.start({ rules: "", storeUrl: `sqlite:${disk.store}` });
  await daemon.kill();
  disk.remount("ro");
  await assert.rejects(daemon.run(), (error: Error) => {
    assert.match(error.message, /read-?only/i);
    assert.doesNotMatch(error.message, /\n {4}at /, "no stack for a person's mistake");
    return true;
  });
  disk.remount("rw");
  await daemon.run();
});
