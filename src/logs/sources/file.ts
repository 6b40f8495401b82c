// Log files, found by path or glob and followed through every kind of rotation. Events of the file system tell at once what
// they can; what they do not tell (another file at a path, a folder put in the place of a folder) a look each second does.

import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseFilePlace } from "../place.ts";
import {
  type Piece,
  pieceBytesMax,
  type Source,
  type SourceHost,
  type SourcePlug,
  type SourceReport,
} from "../source.ts";
import { expandGlob, pathsMax } from "./file-glob.ts";
import { identityAt } from "./file-open.ts";
import { isRotatedOf } from "./file-rotated.ts";
import { FileTail } from "./file-tail.ts";

/** Directories that events are asked of; beyond it a look each second must do. */
const watchersMax = 64;

export interface FileSettings {
  /** A path or a glob. */
  readonly path: string;
  readonly from: "end" | "start";
  /** False where the file system tells no events; the look each second then finds everything. */
  readonly events?: boolean;
}

export const fileSource: SourcePlug<FileSettings> = {
  kind: "file",
  help: "Follows log files by path or glob through rotations of every kind.",
  create: (settings, host) => new FileSource(settings, host),
};

class FileSource implements Source {
  readonly name: string;
  readonly #settings: FileSettings;
  readonly #host: SourceHost;
  readonly #tails = new Map<string, FileTail>();
  /** Paths with something to read, in turn. */
  readonly #ready = new Set<FileTail>();
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: string }>();
  readonly #buffer = Buffer.allocUnsafeSlow(pieceBytesMax);
  #wake: () => void = () => {};
  #closed = false;

  constructor(settings: FileSettings, host: SourceHost) {
    this.name = settings.path;
    this.#settings = settings;
    this.#host = host;
  }

  async start(wake: () => void): Promise<void> {
    this.#wake = wake;
    await this.#expand(this.#settings.from);
    this.#wake();
  }

  take(): Piece | undefined {
    for (const tail of this.#ready) {
      const piece = tail.take(this.#buffer);
      this.#ready.delete(tail);
      if (piece === undefined) continue;
      // Behind the others that have something.
      this.#ready.add(tail);
      return piece;
    }
    return undefined;
  }

  look(): void {
    void this.#expand("start");
    for (const tail of this.#tails.values()) if (tail.look()) this.#ready.add(tail);
    if (this.#ready.size > 0) this.#wake();
  }

  report(): SourceReport {
    const tails = [...this.#tails.values()];
    const troubles = tails.flatMap(({ trouble }) => trouble ?? []);
    if (tails.length === 0) troubles.push(`${this.name}: no file has such a name`);
    return {
      name: this.name,
      kind: "file",
      reading: tails.map((tail) => ({ what: tail.path, at: tail.position })),
      troubles,
      skipped: tails.reduce((sum, tail) => sum + tail.skipped, 0),
      lost: tails.reduce((sum, tail) => sum + tail.lost, 0),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { watcher } of this.#watchers.values()) watcher.close();
    for (const tail of this.#tails.values()) {
      tail.close();
      this.#host.release(tail.path);
    }
    this.#ready.clear();
  }

  /** Takes up what has appeared. What appears while we run is read from its beginning. */
  async #expand(from: "end" | "start"): Promise<void> {
    const { paths, directories } = expandGlob(this.#settings.path);
    const all = new Set([...paths, ...this.#tails.keys()]);
    const own = [...directories, ...paths.map((path) => dirname(path))];
    // A folder that comes in the place of another is told by the folder above.
    if (this.#settings.events !== false) this.#watch(new Set([...own, ...own.map((path) => dirname(path))]));
    const fresh = paths.filter((path) => !this.#tails.has(path) && !isRotatedOf(path, all));
    await Promise.all(fresh.map((path) => this.#add(path, from)));
  }

  async #add(path: string, from: "end" | "start"): Promise<void> {
    // Refused as long as another source reads it.
    if (this.#tails.size >= pathsMax || !this.#host.claim(path)) return;
    const { clock, log, places } = this.#host;
    const own = places.filter(({ source }) => source === "file").flatMap(({ body }) => parseFilePlace(body) ?? []);
    const tail: FileTail = new FileTail({
      path,
      from,
      places: own.filter((place) => place.path === path),
      now: () => clock.now(),
      log,
      wake: () => this.#wakeUp(tail),
    });
    this.#tails.set(path, tail);
    await tail.start(this.#buffer);
    this.#wakeUp(tail);
  }

  #wakeUp(tail: FileTail): void {
    if (this.#closed) return;
    this.#ready.add(tail);
    this.#wake();
  }

  /** A directory that was replaced by another of its name is watched anew. */
  #watch(directories: ReadonlySet<string>): void {
    for (const [directory, { watcher, inode }] of this.#watchers) {
      if (directories.has(directory) && identityAt(directory)?.inode === inode) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const directory of directories) {
      if (this.#watchers.has(directory) || this.#watchers.size >= watchersMax || this.#closed) continue;
      const inode = identityAt(directory)?.inode;
      if (inode !== undefined) this.#watchOne(directory, inode);
    }
  }

  #watchOne(directory: string, inode: string): void {
    try {
      const watcher = watch(directory, (event, name) => this.#hear(directory, event, name));
      watcher.on("error", () => this.#watchers.delete(directory));
      this.#watchers.set(directory, { watcher, inode });
    } catch {
      // No more watches to be had (fs.inotify.max_user_watches): the look each second finds what is there.
    }
  }

  #hear(directory: string, event: string, name: string | null): void {
    const tail = this.#tails.get(join(directory, name ?? ""));
    if (event !== "change" && (tail !== undefined || this.#mayBeOurs(directory, name))) {
      this.look();
      return;
    }
    if (tail !== undefined) this.#wakeUp(tail);
    // Writers go on in a file that was renamed, until they are told.
    else for (const other of this.#tails.values()) if (isBeside(other.path, directory, name)) this.#wakeUp(other);
  }

  /** A file of ours, a folder on the way to one, or the watched folder itself, which is told by its own name. */
  #mayBeOurs(directory: string, name: string | null): boolean {
    const own = basename(this.#settings.path);
    if (name === null || /[*?[]/.test(this.#settings.path) || name.startsWith(own)) return true;
    return this.#watchers.has(join(directory, name)) || name === basename(directory);
  }
}

function isBeside(path: string, directory: string, name: string | null): boolean {
  return dirname(path) === directory && name?.startsWith(basename(path)) === true;
}
