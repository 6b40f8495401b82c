import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { testSource } from "../../../tests/contracts/source.ts";
import { follow, Remembered } from "../../../tests/log-follower.ts";
import { fileSource } from "./file.ts";

testSource({
  name: "file",
  keeps: true,
  isStream: true,
  async lay() {
    const directory = mkdtempSync(join(tmpdir(), "postvarta-file-"));
    const path = join(directory, "mail.log");
    writeFileSync(path, "");
    return {
      create: (host) => fileSource.create({ path, from: "end" }, host),
      write: async (text) => appendFileSync(path, text),
      [Symbol.asyncDispose]: async () => rmSync(directory, { recursive: true }),
    };
  },
});

/** One log directory; `lines(a, b)` are numbered lines. */
class Ground implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "postvarta-file-"));
  readonly path = join(this.directory, "mail.log");
  readonly remembered = new Remembered();

  append(from: number, to: number, path = this.path): void {
    for (let n = from; n <= to; n++) appendFileSync(path, `Nov 24 07:07:07 mx1 postfix/smtpd[1]: n=${n}\n`);
  }

  /** Follows until `count` lines have been seen in all, and no more come. */
  async read(
    count: number,
    options: { readonly path?: string; readonly from?: "start" | "end"; during?(): void } = {},
  ) {
    const { path = this.path, from = "end" } = options;
    const follower = await follow(this.remembered, (host) => [fileSource.create({ path, from }, host)]);
    options.during?.();
    const deadline = performance.now() + 5_000;
    while (this.remembered.lines.length < count && performance.now() < deadline) await sleep(5);
    await sleep(50);
    await follower.settled();
    const [report] = follower.report();
    await follower[Symbol.asyncDispose]();
    return report;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

/** What happens to the log while nobody follows it. 10 lines were read, 11 to 15 are written before it, 16 to 20 behind it. */
const absences: readonly { readonly title: string; change(ground: Ground): void }[] = [
  { title: "nothing", change: () => {} },
  {
    title: "renamed",
    change: ({ path }) => renameSync(path, `${path}.1`),
  },
  {
    title: "renamed and packed",
    change: ({ path }) => {
      renameSync(path, `${path}.1`);
      execFileSync("gzip", [`${path}.1`]);
    },
  },
  {
    title: "copied and truncated",
    change: ({ path }) => {
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    },
  },
  {
    title: "its folder copied to a disk with other inodes",
    change: ({ path }) => {
      copyFileSync(path, `${path}.new`);
      rmSync(path);
      renameSync(`${path}.new`, path);
    },
  },
];

for (const { title, change } of absences) {
  test(`away while the log was: ${title}: the rest is read first, then the log`, async () => {
    using ground = new Ground();
    writeFileSync(ground.path, "");
    await ground.read(10, { during: () => ground.append(1, 10) });
    ground.append(11, 15);
    change(ground);
    ground.append(16, 20);
    await ground.read(20);
    assert.deepEqual(ground.remembered.numbers, upTo(20));
    await ground.read(20);
    assert.deepEqual(ground.remembered.numbers, upTo(20));
  });
}

test("case 10: away for several rotations: each is read in its order, packed or not", async () => {
  using ground = new Ground();
  const { path } = ground;
  writeFileSync(path, "");
  await ground.read(5, { during: () => ground.append(1, 5) });
  ground.append(6, 10);
  renameSync(path, `${path}.3`);
  execFileSync("gzip", [`${path}.3`]);
  await sleep(15);
  ground.append(11, 15);
  renameSync(path, `${path}.2`);
  execFileSync("gzip", [`${path}.2`]);
  await sleep(15);
  ground.append(16, 20);
  renameSync(path, `${path}.1`);
  await sleep(15);
  ground.append(21, 25);
  await ground.read(25);
  assert.deepEqual(ground.remembered.numbers, upTo(25));
  await ground.read(25);
  assert.deepEqual(ground.remembered.numbers, upTo(25));
});

test("away right behind a truncation, and truncated again meanwhile: what came between stands in the copy", async () => {
  using ground = new Ground();
  const { path } = ground;
  writeFileSync(path, "");
  await ground.read(5, { during: () => ground.append(1, 5) });
  await ground.read(5, {
    during: () => {
      copyFileSync(path, `${path}.1`);
      truncateSync(path);
    },
  });
  await sleep(15);
  ground.append(6, 10);
  renameSync(`${path}.1`, `${path}.2`);
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
  ground.append(11, 15);
  await ground.read(15);
  assert.deepEqual(ground.remembered.numbers, upTo(15));
});

test("a rotated file that is being packed while we start is read once", async () => {
  using ground = new Ground();
  const { path } = ground;
  writeFileSync(path, "");
  await ground.read(5, { during: () => ground.append(1, 5) });
  ground.append(6, 10);
  renameSync(path, `${path}.2`);
  await sleep(15);
  ground.append(11, 15);
  renameSync(path, `${path}.1`);
  // As far as the packer has come: of one nothing, of the other nearly all.
  writeFileSync(`${path}.2.gz`, gzipSync(readFileSync(`${path}.2`)).subarray(0, -9));
  writeFileSync(`${path}.1.gz`, "");
  ground.append(16, 20);
  await ground.read(20);
  assert.deepEqual(ground.remembered.numbers, upTo(20));
});

test("from end: what is there is left alone; from start: it is read; a remembered place wins over both", async () => {
  using ground = new Ground();
  ground.append(1, 3);
  await ground.read(2, { during: () => ground.append(4, 5) });
  assert.deepEqual(ground.remembered.numbers, [4, 5]);
  ground.append(6, 7);
  await ground.read(4, { from: "start" });
  assert.deepEqual(ground.remembered.numbers, [4, 5, 6, 7]);
  using other = new Ground();
  other.append(1, 3);
  await other.read(3, { from: "start" });
  assert.deepEqual(other.remembered.numbers, [1, 2, 3]);
});

test("a log that appears later is read from its first line", async () => {
  using ground = new Ground();
  await ground.read(3, { during: () => ground.append(1, 3) });
  assert.deepEqual(ground.remembered.numbers, [1, 2, 3]);
});

test("a glob follows what appears, and takes no rotated file for another log", async () => {
  using ground = new Ground();
  const path = join(ground.directory, "mail*");
  ground.append(1, 2);
  ground.append(90, 92, `${ground.path}.1`);
  await ground.read(4, {
    path,
    during: () => {
      ground.append(3, 4);
      ground.append(5, 6, join(ground.directory, "mail.err"));
      copyFileSync(ground.path, `${ground.path}.2`);
    },
  });
  assert.deepEqual(
    [...ground.remembered.numbers].sort((a, b) => a - b),
    [3, 4, 5, 6],
  );
});

for (const [title, refill] of [
  ["shorter than before", 5],
  ["longer than before", 40],
] as const) {
  test(`truncated to nothing and written anew, ${title}: every line once, also over a stop`, async () => {
    using ground = new Ground();
    writeFileSync(ground.path, "");
    await ground.read(20 + refill, {
      during: () => {
        ground.append(1, 20);
        setTimeout(() => {
          truncateSync(ground.path);
          ground.append(21, 20 + refill);
        }, 400);
      },
    });
    assert.deepEqual(ground.remembered.numbers, upTo(20 + refill));
    truncateSync(ground.path);
    ground.append(21 + refill, 30 + refill);
    await ground.read(30 + refill);
    assert.deepEqual(ground.remembered.numbers, upTo(30 + refill));
  });
}

/** Things that may stand where a log should, and the trouble they are. */
const strangers: readonly { readonly title: string; lay(path: string): void; readonly trouble: RegExp }[] = [
  { title: "a FIFO", lay: (path) => execFileSync("mkfifo", [path]), trouble: /no regular file/ },
  { title: "a directory", lay: (path) => mkdirSync(path), trouble: /no regular file/ },
  { title: "a link to nothing", lay: (path) => symlinkSync("/nonexistent/log", path), trouble: /no such file/ },
  { title: "a link to a device", lay: (path) => symlinkSync("/dev/zero", path), trouble: /no regular file/ },
  { title: "a link to itself", lay: (path) => symlinkSync(path, path), trouble: /cannot be opened/ },
];

for (const { title, lay, trouble } of strangers) {
  test(`${title} in the place of a log is told, and keeps no other log waiting`, async () => {
    using ground = new Ground();
    const bad = join(ground.directory, "mail.bad");
    lay(bad);
    writeFileSync(ground.path, "");
    const report = await ground.read(3, {
      path: join(ground.directory, "mail.*"),
      during: () => ground.append(1, 3),
    });
    assert.deepEqual(ground.remembered.numbers, [1, 2, 3]);
    assert.match(report?.troubles.join("\n") ?? "", trouble);
  });
}

test("a link that another user has put there is not followed", {
  skip: process.geteuid?.() !== 0 && "needs root",
}, async () => {
  using ground = new Ground();
  const secret = join(ground.directory, "secret");
  ground.append(1, 3, secret);
  symlinkSync(secret, ground.path);
  lchownSync(ground.path, 65_534, 65_534);
  const report = await ground.read(0, { from: "start" });
  assert.deepEqual(ground.remembered.lines, []);
  assert.match(report?.troubles.join() ?? "", /symbolic link of another user/);
  rmSync(ground.path);
  symlinkSync(secret, ground.path);
  await ground.read(3, { from: "start" });
  assert.deepEqual(ground.remembered.numbers, [1, 2, 3]);
});

test("a log that is replaced by a FIFO while it is followed blocks nothing, and goes on when a file comes again", async () => {
  using ground = new Ground();
  writeFileSync(ground.path, "");
  const follower = await follow(ground.remembered, (host) => [
    fileSource.create({ path: ground.path, from: "end" }, host),
  ]);
  ground.append(1, 2);
  await sleep(60);
  rmSync(ground.path);
  execFileSync("mkfifo", [ground.path]);
  await sleep(60);
  assert.match(follower.report()[0]?.troubles.join() ?? "", /no regular file/);
  rmSync(ground.path);
  ground.append(3, 4);
  const deadline = performance.now() + 4_000;
  while (ground.remembered.lines.length < 4 && performance.now() < deadline) await sleep(5);
  await follower[Symbol.asyncDispose]();
  assert.deepEqual(ground.remembered.numbers, [1, 2, 3, 4]);
});

test("a sparse file of two terabytes keeps no other log waiting", async () => {
  using ground = new Ground();
  const sparse = join(ground.directory, "mail.sparse");
  writeFileSync(sparse, "");
  truncateSync(sparse, 2 ** 41);
  ground.append(1, 3);
  const follower = await follow(ground.remembered, (host) => [
    fileSource.create({ path: join(ground.directory, "mail.*"), from: "start" }, host),
  ]);
  const deadline = performance.now() + 4_000;
  while (ground.remembered.lines.length < 3 && performance.now() < deadline) await sleep(5);
  await follower[Symbol.asyncDispose]();
  assert.deepEqual(ground.remembered.numbers, [1, 2, 3]);
});
