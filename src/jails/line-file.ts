// A file that lines are appended to, beside the road of whoever adds them: they wait in a queue with a limit, and a disk that is full
// stops nobody. Rotation is met by itself: when another file, or none, stands at the path, it is opened anew.

import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { Log } from "../core/log.ts";
import { messageOf } from "../core/problem.ts";

/** Lines that wait; more are lost, and counted. */
const waitingMax = 20_000;
/** Lines of one write. */
const batchMax = 1_000;
const againMs = 1_000;

export interface LineFileState {
  readonly written: number;
  /** Lines that did not fit into the queue. */
  readonly lost: number;
  readonly error: string | undefined;
}

export class LineFile implements AsyncDisposable {
  readonly path: string;
  readonly #log: Log;
  readonly #waiting: string[] = [];
  /** Of a batch that was written in part. */
  #rest: Uint8Array = new Uint8Array();
  #handle: FileHandle | undefined;
  #isStale = false;
  #writing: Promise<void> | undefined;
  #again: NodeJS.Timeout | undefined;
  #written = 0;
  #lost = 0;
  #error: string | undefined;

  constructor(path: string, log: Log) {
    this.path = path;
    this.#log = log;
  }

  /** Puts lines behind those that wait. They come without an end and hold none. */
  add(lines: readonly string[]): void {
    const fits = Math.max(0, waitingMax - this.#waiting.length);
    this.#lost += Math.max(0, lines.length - fits);
    for (const line of lines.slice(0, fits)) this.#waiting.push(line);
    if (this.#again === undefined) void this.tried();
  }

  /** Closes the file; the next line opens what stands at the path. */
  reopen(): void {
    this.#isStale = true;
  }

  get state(): LineFileState {
    return { written: this.#written, lost: this.#lost, error: this.#error };
  }

  /** Resolves when what waits is written, or has failed once more. */
  tried(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#again);
    await this.tried();
    clearTimeout(this.#again);
    await this.#handle?.close().catch(() => {});
  }

  async #write(): Promise<void> {
    clearTimeout(this.#again);
    this.#again = undefined;
    try {
      while (this.#waiting.length > 0 || this.#rest.length > 0) await this.#writeBatch();
      if (this.#error !== undefined) this.#log.info("file.works-again", { path: this.path, lost: this.#lost });
      this.#error = undefined;
    } catch (error) {
      this.#failed(messageOf(error));
    }
  }

  async #writeBatch(): Promise<void> {
    const handle = await this.#open();
    if (this.#rest.length === 0) {
      const lines = this.#waiting.splice(0, batchMax);
      this.#written += lines.length;
      this.#rest = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    }
    while (this.#rest.length > 0) {
      const { bytesWritten } = await handle.write(this.#rest);
      this.#rest = this.#rest.subarray(bytesWritten);
    }
  }

  async #open(): Promise<FileHandle> {
    if (this.#handle !== undefined && !this.#isStale && (await isAt(this.path, this.#handle))) return this.#handle;
    await this.#handle?.close().catch(() => {});
    this.#handle = undefined;
    this.#isStale = false;
    // No link is followed, and nothing that blocks is waited for.
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
    const handle = await open(this.path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o640);
    if (!(await handle.stat()).isFile()) {
      await handle.close();
      throw new Error(`${this.path} is no regular file`);
    }
    this.#handle = handle;
    return handle;
  }

  #failed(text: string): void {
    if (this.#error !== text) this.#log.warn("file.not-written", { path: this.path, error: text });
    this.#error = text;
    this.#again = setTimeout(() => void this.tried(), againMs).unref();
  }
}

async function isAt(path: string, handle: FileHandle): Promise<boolean> {
  const [there, ours] = await Promise.all([stat(path).catch(() => undefined), handle.stat()]);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}
