// Files as they are kept, plain or packed, read once from beginning to end: for a replay. A place is known by the beginning of
// the text, so that a file that was renamed or packed since is the same file.

import { stat } from "node:fs/promises";
import type { PlaceChange } from "../../store/places.ts";
import { readLogBytes } from "../archive.ts";
import { hashHead, headBytesMax, headOf, parseFilePlace } from "../place.ts";
import {
  type Piece,
  pieceBytesMax,
  type Source,
  type SourceHost,
  type SourcePlug,
  type SourceReport,
} from "../source.ts";
import { WholeLines } from "../whole-lines.ts";
import { headOfPacked, isHeadOf } from "./packed-rest.ts";

export interface ArchiveSettings {
  /** In the order in which they were written. */
  readonly paths: readonly string[];
  /** Reads again what was read before. */
  readonly again?: boolean;
}

/** How far a replay has come. */
export interface ReplayProgress {
  readonly path: string;
  /** Of the bytes on disk, 0 to 1; within a packed file it is a guess. */
  readonly share: number;
  /** Bytes of text read, and those that were left out. */
  readonly bytes: number;
  readonly knownBytes: number;
}

interface FileWork {
  readonly path: string;
  readonly key: string | undefined;
  /** Bytes of text before and behind which everything was read already. */
  readonly from: number;
  readonly to: number;
}

/** Pieces that wait to be taken. */
const waitingMax = 4;
/** Logs become this much smaller, about. */
const packedRatio = 10;
const source = "replay";

export const archiveSource: SourcePlug<ArchiveSettings> = {
  kind: "archive",
  help: "Reads plain and packed log files once, in order.",
  create: (settings, host) => new ArchiveSource(settings, host),
};

export class ArchiveSource implements Source {
  readonly hasExactTimes = true;
  readonly name = source;
  readonly #settings: ArchiveSettings;
  readonly #host: SourceHost;
  readonly #lines = new WholeLines();
  readonly #waiting: Piece[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #progress: ReplayProgress = { path: "", share: 0, bytes: 0, knownBytes: 0 };
  #trouble: string | undefined;
  #room: () => void = () => {};
  #closed = false;
  #wake: () => void = () => {};

  constructor(settings: ArchiveSettings, host: SourceHost) {
    this.#settings = settings;
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
    this.#room();
    return next;
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
    const { paths } = this.#settings;
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => undefined))?.size ?? 0));
    const total = sizes.reduce((sum, size) => sum + size, 1);
    let before = 1;
    for (const [i, path] of paths.entries()) {
      const size = sizes[i] ?? 0;
      const textSize = /\.(?:gz|bz2|xz|zst)$/.test(path) ? size * packedRatio : size;
      const shareAt = (bytes: number) => (before + size * Math.min(1, bytes / Math.max(1, textSize))) / total;
      await this.#readFile(await this.#workOf(path), shareAt);
      if (this.#closed) return;
      before += size;
      this.#progress = { ...this.#progress, path, share: before / total };
    }
    await this.#untilTaken(0);
  }

  /** What of a file is left to read: not what a replay has read, and not what is or was followed of it. */
  async #workOf(path: string): Promise<FileWork> {
    const head = await headOfPacked(path);
    const known =
      head === undefined || head.length < headBytesMax
        ? headOf(head ?? Buffer.alloc(0))
        : head.subarray(0, headBytesMax);
    const key = known === undefined ? undefined : `${hashHead(known)}:${known.length}`;
    const whole = { path, key, from: 0, to: Number.POSITIVE_INFINITY };
    if (head === undefined || this.#settings.again === true) return whole;
    const { places } = this.#host;
    const saved = places.find((place) => place.source === source && place.key === key);
    const followed = places.flatMap((place) => (place.source === "file" ? (parseFilePlace(place.body) ?? []) : []));
    const same = followed.find((place) => isHeadOf(place, head));
    return { ...whole, from: Number(saved?.body ?? 0), to: same?.begin ?? whole.to };
  }

  async #readFile({ path, key, from, to }: FileWork, shareAt: (bytes: number) => number): Promise<void> {
    const { bytes, knownBytes } = this.#progress;
    let offset = 0;
    for await (const chunk of readLogBytes(path, (text) => this.#host.log.warn("logs.archive", { text }))) {
      for (let at = 0; at < chunk.length && !this.#closed; at += pieceBytesMax) {
        const part = chunk.subarray(at, at + pieceBytesMax);
        // The chunk is used again for the next one, and a piece may wait.
        const wanted = Buffer.from(part.subarray(Math.max(0, from - offset), Math.max(0, to - offset)));
        offset += part.length;
        const read = Math.min(offset, to);
        const whole = this.#lines.push(wanted);
        if (whole !== undefined) await this.#add(path, whole, key, read - (wanted.length - 1 - wanted.lastIndexOf(10)));
      }
      if (this.#closed) return;
      const fresh = Math.max(0, Math.min(offset, to) - from);
      this.#progress = {
        ...{ path, share: shareAt(offset) },
        ...{ bytes: bytes + fresh, knownBytes: knownBytes + offset - fresh },
      };
    }
    const last = this.#lines.end();
    if (last !== undefined) await this.#add(path, last, key, Math.min(offset, to));
  }

  async #add(stream: string, bytes: Buffer, key: string | undefined, offset: number): Promise<void> {
    const places: readonly PlaceChange[] = key === undefined ? [] : [{ source, key, body: String(offset) }];
    this.#waiting.push({ bytes, stream, places });
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
