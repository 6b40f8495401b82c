import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Problem } from "../core/problem.ts";
import { readLogBytes } from "./archive.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-archive-"));
after(() => rmSync(folder, { recursive: true }));

const lines = Array.from(
  { length: 60_000 },
  (_, i) =>
    `Nov 24 02:47:05 mx postfix/smtpd[${i}]: connect from unknown[192.0.2.${i % 256}] ${(i * 7919) % 100_003}\n`,
).join("");
const text = Buffer.from(lines);

function has(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Compressed by the program of this name, which every Debian has. */
function packed(program: string, input: Buffer): Buffer {
  return execFileSync(program, ["-1", "-c"], { input, maxBuffer: 64 * 1024 * 1024 });
}

async function readAll(bytes: Buffer, name = "log"): Promise<{ text: Buffer; warnings: string[] }> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const warnings: string[] = [];
  const parts: Buffer[] = [];
  for await (const chunk of readLogBytes(path, (warning) => warnings.push(warning))) parts.push(Buffer.from(chunk));
  return { text: Buffer.concat(parts), warnings };
}

interface Form {
  readonly name: string;
  readonly pack: (input: Buffer) => Buffer;
  readonly program?: string;
  /** Text that is surely whole when the last tenth of the archive is missing. */
  readonly wholeMin: number;
}

const forms: readonly Form[] = [
  { name: "gzip", pack: (input) => gzipSync(input), wholeMin: 500_000 },
  { name: "zstd", pack: (input) => zstdCompressSync(input), wholeMin: 500_000 },
  { name: "bzip2", pack: (input) => packed("bzip2", input), program: "bzip2", wholeMin: 500_000 },
  { name: "xz", pack: (input) => packed("xz", input), program: "xz", wholeMin: 500_000 },
];

for (const { name, pack, program, wholeMin } of forms) {
  const skip = program !== undefined && !has(program) ? `there is no ${program}` : false;

  test(`${name}: what was packed comes out, whatever the file's name`, { skip }, async () => {
    const read = await readAll(pack(text), "log.txt");
    assert.ok(read.text.equals(text));
    assert.deepEqual(read.warnings, []);
  });

  test(`${name}: streams one after another are one text`, { skip }, async () => {
    const read = await readAll(Buffer.concat([pack(text), pack(Buffer.from("one\n")), pack(text)]));
    assert.ok(read.text.equals(Buffer.concat([text, Buffer.from("one\n"), text])));
    assert.deepEqual(read.warnings, []);
  });

  test(`${name}: of an archive that ends early what is whole is read, with one warning`, { skip }, async () => {
    const archive = pack(text);
    for (const share of [0.4, 0.9]) {
      const read = await readAll(archive.subarray(0, Math.floor(archive.length * share)));
      assert.ok(text.subarray(0, read.text.length).equals(read.text));
      if (share >= 0.9) assert.ok(read.text.length >= wholeMin, `${read.text.length} bytes of ${text.length}`);
      assert.equal(read.warnings.length, 1);
    }
  });

  test(`${name}: a flipped byte is told of`, { skip }, async () => {
    const archive = pack(text);
    const at = Math.floor(archive.length * 0.7);
    archive[at] = (archive[at] ?? 0) ^ 0x55;
    const read = await readAll(archive);
    // Frames of zstd without a checksum cannot tell.
    if (name !== "zstd") assert.equal(read.warnings.length, 1);
    if (name === "bzip2") assert.ok(text.subarray(0, read.text.length).equals(read.text));
  });
}

test("an archive of nothing is an empty log", async () => {
  assert.equal((await readAll(gzipSync(Buffer.alloc(0)))).text.length, 0);
  if (has("bzip2")) assert.equal((await readAll(packed("bzip2", Buffer.alloc(0)))).text.length, 0);
  assert.equal((await readAll(Buffer.alloc(0))).text.length, 0);
});

test("a bomb is cut off with a warning", async () => {
  const bomb = zstdCompressSync(Buffer.alloc(300 * 1024 * 1024));
  const path = join(folder, "bomb");
  writeFileSync(path, bomb);
  const warnings: string[] = [];
  let bytes = 0;
  for await (const chunk of readLogBytes(path, (warning) => warnings.push(warning))) bytes += chunk.length;
  assert.equal(warnings.length, 1);
  assert.ok(bytes <= 270 * 1024 * 1024);
});

test("a file that is not there and a folder are Problems", async () => {
  await assert.rejects(
    readAllAt(join(folder, "nothing")),
    (error) => error instanceof Problem && error.code === "logs/unreadable",
  );
  mkdirSync(join(folder, "folder"));
  await assert.rejects(
    readAllAt(join(folder, "folder")),
    (error) => error instanceof Problem && /directory/.test(error.line),
  );
});

async function readAllAt(path: string): Promise<void> {
  for await (const _ of readLogBytes(path, () => {}));
}
