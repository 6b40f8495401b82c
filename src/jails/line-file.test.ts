import { deepStrictEqual, strictEqual } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { silentLog } from "../core/log.ts";
import { LineFile } from "./line-file.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-lines-"));
after(() => rmSync(root, { recursive: true }));
const fresh = () => mkdtempSync(join(root, "l-"));
const read = (path: string) => readFileSync(path, "utf8");

describe("a file of lines", () => {
  test("a rotation is met with and without a word about it", async () => {
    const path = join(fresh(), "a.log");
    await using file = new LineFile(path, silentLog);
    file.add(["one"]);
    await file.tried();
    renameSync(path, `${path}.1`);
    file.add(["two"]);
    await file.tried();
    renameSync(path, `${path}.2`);
    file.reopen();
    file.add(["three"]);
    await file.tried();
    deepStrictEqual([read(`${path}.1`), read(`${path}.2`), read(path)], ["one\n", "two\n", "three\n"]);
  });

  test("what cannot be written waits, and is written when it can be", async () => {
    const folder = join(fresh(), "later");
    const path = join(folder, "a.log");
    await using file = new LineFile(path, silentLog);
    file.add(["one", "two"]);
    await file.tried();
    strictEqual(file.state.error?.includes("ENOENT"), true);
    mkdirSync(folder);
    file.add(["three"]);
    await file.tried();
    deepStrictEqual([read(path), file.state.error], ["one\ntwo\nthree\n", undefined]);
  });

  test("no link is followed, and a pipe that nobody reads holds nobody", async () => {
    const folder = fresh();
    symlinkSync(join(folder, "elsewhere"), join(folder, "link"));
    execFileSync("mkfifo", [join(folder, "pipe")]);
    for (const [name, word] of [
      ["link", "ELOOP"],
      ["pipe", "ENXIO"],
      ["/dev/full", "no regular file"],
    ] as const) {
      await using file = new LineFile(name.startsWith("/") ? name : join(folder, name), silentLog);
      file.add(["one"]);
      await file.tried();
      strictEqual(file.state.error?.includes(word), true, `${name}: ${file.state.error}`);
    }
  });

  test("more than waits in memory is lost and counted", async () => {
    const folder = join(fresh(), "never");
    await using file = new LineFile(join(folder, "a.log"), silentLog);
    for (let i = 0; i < 25; i++) file.add(Array.from({ length: 1_000 }, (_, n) => `line ${i * 1_000 + n}`));
    await file.tried();
    strictEqual(file.state.lost, 5_000);
  });
});
