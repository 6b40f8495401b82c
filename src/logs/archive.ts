// Files as logs are kept: plain, gzip, bzip2, xz or zstd, told by their first bytes and not by their names. Streams may be
// concatenated. Of a damaged archive what is whole is read, with one warning.

import { spawn } from "node:child_process";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Problem } from "../core/problem.ts";
import { decompressBzip2 } from "./bzip2.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** Bytes read at a time; large enough that the calls do not count, small enough for the cache. */
const chunkBytes = 1024 * 1024;

/** Compressed bytes fed to a decoder at once: a bomb makes a thousand times as much of them before anybody can stop it. */
const inputBytes = 16 * 1024;
const outputBytes = 64 * 1024;

/** An archive may become this many times larger, and this much in any case: beyond it is a bomb and not a log. */
const ratioMax = 2000;
const bombBytesMin = 256 * 1024 * 1024;

/** Memory that xz may take; its largest preset needs 65 MiB to unpack. */
const xzMemory = "--memlimit-decompress=80MiB";

export type Warn = (text: string) => void;

/**
 * The bytes of a log, unpacked. A chunk is valid until the next one is asked for. A Problem when the file cannot be opened
 * or is none; damage and bombs end the bytes and are told to `warn`.
 */
export async function* readLogBytes(path: string, warn: Warn): AsyncGenerator<Buffer> {
  const file = await openLog(path);
  try {
    const head = Buffer.alloc(6);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    const form = formOf(head.subarray(0, bytesRead));
    if (form === "plain") yield* readPlain(file, path);
    else yield* readArchive(file, form, path, warn);
  } finally {
    await file.close().catch(() => {});
  }
}

/** Opens a log for reading; a Problem when that is not possible, or when it is a folder, a pipe or a device. */
export async function openLog(path: string): Promise<FileHandle> {
  try {
    const found = await stat(path);
    // Opening a pipe would wait for its writer, and a device has no end.
    if (!found.isFile() && path !== "/dev/null") throw notRegular(path, found.isDirectory());
    return await open(path, "r");
  } catch (error) {
    throw error instanceof Problem ? error : unreadable(path, error);
  }
}

function notRegular(path: string, isFolder: boolean): Problem {
  const message = isFolder ? "this is a directory" : "this is no regular file";
  return new Problem(message, {
    code: "logs/unreadable",
    where: path,
    hint: isFolder ? "name the files in it" : undefined,
  });
}

function unreadable(path: string, error: unknown): Problem {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const texts = new Map([
    ["ENOENT", "there is no such file"],
    ["EACCES", "we may not read it"],
  ]);
  return new Problem(texts.get(code) ?? `it cannot be read (${code || String(error)})`, {
    code: "logs/unreadable",
    where: path,
  });
}

type Form = "plain" | "gzip" | "bzip2" | "xz" | "zstd";

function formOf(head: Buffer): Form {
  const hex = head.toString("hex");
  if (hex.startsWith("1f8b")) return "gzip";
  if (/^425a683[1-9](?:3141|1772)/.test(hex)) return "bzip2";
  if (hex === "fd377a585a00") return "xz";
  return hex.startsWith("28b52ffd") ? "zstd" : "plain";
}

/** The next chunk is read while the one before it is looked at. */
async function* readPlain(file: FileHandle, path: string): AsyncGenerator<Buffer> {
  let [chunk, next] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
  let reading = readChunk(file, chunk, path);
  for (;;) {
    const length = await reading;
    if (length === 0) return;
    reading = readChunk(file, next, path);
    // Whoever stops early never waits for it.
    reading.catch(() => {});
    yield chunk.subarray(0, length);
    [chunk, next] = [next, chunk];
  }
}

async function readChunk(file: FileHandle, chunk: Buffer, path: string): Promise<number> {
  try {
    return (await file.read(chunk, 0, chunk.length)).bytesRead;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function* readArchive(
  file: FileHandle,
  form: Exclude<Form, "plain">,
  path: string,
  warn: Warn,
): AsyncGenerator<Buffer> {
  const limit = Math.max(bombBytesMin, (await file.stat()).size * ratioMax);
  let bytes = 0;
  try {
    for await (const chunk of unpack(file, form)) {
      yield chunk;
      bytes += chunk.length;
      if (bytes > limit)
        return warn(`${path}: ${bytes} bytes came out of it and there are more: that is no log; the rest is left out`);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    warn(
      `${path}: the ${form} data is damaged behind ${bytes} bytes of text; the rest is left out (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

function unpack(file: FileHandle, form: Exclude<Form, "plain">): AsyncIterable<Buffer> {
  const input = file.createReadStream({ start: 0, autoClose: false, highWaterMark: inputBytes });
  switch (form) {
    case "gzip":
      return unpackGzip(input);
    case "zstd":
      return unpackZstd(input);
    case "bzip2":
      return decompressBzip2(input);
    case "xz":
      return unpackXz(input);
    default:
      return form satisfies never;
  }
}

/** Feeds a decoder of the runtime piece by piece; what it gives before it fails is kept, which a stream would throw away. */
class Unpacker {
  readonly #stream: Transform;
  #chunks: Buffer[] = [];
  #failure: Error | undefined;
  /** Goes on with whoever waits for the stream. */
  #wake: () => void = () => {};

  constructor(stream: Transform) {
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    stream.on("error", (error) => {
      this.#failure = error;
    });
    stream.once("close", () => this.#wake());
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** What comes out of `chunk`; nothing more after a failure. */
  async write(chunk: Buffer): Promise<readonly Buffer[]> {
    // A decoder that fails forgets to call back.
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#stream.write(chunk, () => resolve());
      });
    }
    return this.#take();
  }

  async end(): Promise<readonly Buffer[]> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#stream.end();
      });
    }
    return this.#take();
  }

  #take(): readonly Buffer[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

async function* unpackGzip(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // Most logs that are read are plain.
  const { createGunzip } = await import("node:zlib");
  const unpacker = new Unpacker(createGunzip({ chunkSize: outputBytes }));
  for await (const chunk of input) {
    yield* await unpacker.write(chunk);
    if (unpacker.failure !== undefined) throw unpacker.failure;
  }
  yield* await unpacker.end();
  if (unpacker.failure !== undefined) throw unpacker.failure;
}

async function* unpackZstd(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { createZstdDecompress } = await import("node:zlib");
  const frames = new ZstdFrames();
  let unpacker: Unpacker | undefined;
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; ) {
      const { end, isEnd } = frames.follow(chunk, at);
      unpacker ??= new Unpacker(createZstdDecompress({ chunkSize: outputBytes }));
      yield* await unpacker.write(chunk.subarray(at, end));
      if (isEnd && unpacker.failure === undefined) yield* await unpacker.end();
      if (unpacker.failure !== undefined) throw unpacker.failure;
      if (isEnd) unpacker = undefined;
      at = end;
    }
  }
  if (unpacker !== undefined || !frames.isBetweenFrames) throw new Error("the data ends early");
}

/** xz has no decoder in the runtime: the program of that name does it, with a limit on its memory. */
async function* unpackXz(input: Readable): AsyncGenerator<Buffer> {
  const xz = spawn("xz", ["--decompress", "--stdout", "--quiet", xzMemory], { stdio: ["pipe", "pipe", "pipe"] });
  const failed = new Promise<never>((_, reject) => {
    xz.on("error", () =>
      reject(
        new Problem("the program xz is needed to read this file", {
          code: "logs/unreadable",
          hint: "install xz-utils",
        }),
      ),
    );
  });
  failed.catch(() => {});
  const complaint: Buffer[] = [];
  xz.stderr.on("data", (chunk: Buffer) => complaint.length < 4 && complaint.push(chunk));
  const exit = new Promise<number | null>((resolve) => xz.on("close", resolve));
  const fed = pipeline(input, xz.stdin).catch(() => {});
  try {
    await Promise.race([failed, new Promise((resolve) => xz.on("spawn", resolve))]);
    for await (const chunk of xz.stdout) yield Buffer.from(chunk);
    const status = await Promise.race([failed, exit]);
    if (status !== 0) throw new Error(Buffer.concat(complaint).toString("utf8").trim() || `xz ended with ${status}`);
  } finally {
    xz.kill();
    input.destroy();
    await fed;
  }
}
