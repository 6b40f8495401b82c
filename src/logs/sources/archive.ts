// Files as they are kept, plain or packed, read once from beginning to end: for a replay. Remembers no place.

import { stat } from "node:fs/promises";
import { readLogBytes } from "../archive.ts";
import {
  type Piece,
  pieceBytesMax,
  type Source,
  type SourceHost,
  type SourcePlug,
  type SourceReport,
} from "../source.ts";
import { WholeLines } from "../whole-lines.ts";

export interface ArchiveSettings {
  /** In the order in which they were written. */
  readonly paths: readonly string[];
}

/** How far a replay has come. `share` is of the bytes on disk, 0 to 1; within a packed file it is not known. */
export interface ReplayProgress {
  readonly path: string;
  readonly share: number;
  /** Bytes of text read. */
  readonly bytes: number;
}

/** Pieces that wait to be taken. */
const waitingMax = 4;

export const archiveSource: SourcePlug<ArchiveSettings> = {
  kind: "archive",
  help: "Reads plain and packed log files once, in order.",
  create: (settings, host) => new ArchiveSource(settings, host),
};

export class ArchiveSource implements Source {
  readonly name = "archive";
  readonly #paths: readonly string[];
  readonly #host: SourceHost;
  readonly #lines = new WholeLines();
  readonly #waiting: { readonly bytes: Buffer; readonly stream: string }[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #progress: ReplayProgress = { path: "", share: 0, bytes: 0 };
  #trouble: string | undefined;
  #room: () => void = () => {};
  #closed = false;
  #wake: () => void = () => {};

  constructor({ paths }: ArchiveSettings, host: SourceHost) {
    this.#paths = paths;
    this.#host = host;
    this.#ended.promise.catch(() => {});
  }

  async start(wake: () => void): Promise<void> {
    this.#wake = wake;
    this.#read().then(this.#ended.resolve, (error: unknown) => {
      this.#trouble = error instanceof Error ? error.message : String(error);
      this.#ended.reject(error);
      wake();
    });
  }

  /** Resolves when all files were read; rejects with a Problem when one cannot be. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get progress(): ReplayProgress {
    return this.#progress;
  }

  take(): Piece | undefined {
    const next = this.#waiting.shift();
    if (next === undefined) return undefined;
    this.#room();
    return { ...next, places: [] };
  }

  look(): void {}

  report(): SourceReport {
    const { path, share } = this.#progress;
    return {
      name: this.name,
      kind: "archive",
      reading: [{ what: path, at: `${Math.round(share * 100)} %` }],
      troubles: this.#trouble === undefined ? [] : [this.#trouble],
      skipped: this.#lines.skipped,
      lost: 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#room();
  }

  async #read(): Promise<void> {
    const sizes = await Promise.all(
      this.#paths.map(async (path) => (await stat(path).catch(() => undefined))?.size ?? 0),
    );
    const total = Math.max(
      1,
      sizes.reduce((sum, size) => sum + size, 0),
    );
    let before = 0;
    let bytes = 0;
    for (const [i, path] of this.#paths.entries()) {
      const size = sizes[i] ?? 0;
      let ofFile = 0;
      for await (const chunk of readLogBytes(path, (text) => this.#host.log.warn("logs.archive", { text }))) {
        if (!(await this.#see(chunk, path))) return;
        ofFile += chunk.length;
        bytes += chunk.length;
        this.#progress = { path, share: (before + Math.min(ofFile, size)) / total, bytes };
      }
      await this.#add(this.#lines.end(), path);
      before += size;
      this.#progress = { path, share: before / total, bytes };
    }
    await this.#untilTaken(0);
  }

  /** False when nobody wants more. */
  async #see(chunk: Buffer, path: string): Promise<boolean> {
    for (let at = 0; at < chunk.length && !this.#closed; at += pieceBytesMax) {
      // The chunk is used again for the next one, and a piece may wait.
      await this.#add(this.#lines.push(Buffer.from(chunk.subarray(at, at + pieceBytesMax))), path);
    }
    return !this.#closed;
  }

  async #add(bytes: Buffer | undefined, stream: string): Promise<void> {
    if (bytes === undefined) return;
    this.#waiting.push({ bytes, stream });
    this.#wake();
    await this.#untilTaken(waitingMax - 1);
  }

  async #untilTaken(left: number): Promise<void> {
    while (this.#waiting.length > left && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }
}
