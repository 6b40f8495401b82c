// Follows log files in the thread of a test and keeps what a consumer saw: numbered lines, and places as a store would.

import { steadyClock } from "../src/core/clock.ts";
import type { LineBatch } from "../src/core/line-batch.ts";
import { silentLog } from "../src/core/log.ts";
import { type Consumer, Follow } from "../src/logs/follow.ts";
import type { Source, SourceHost } from "../src/logs/source.ts";
import type { SavedPlace } from "../src/store/places.ts";

/** What survives a stop: places, and the texts of lines with the places behind them. */
export class Remembered {
  readonly places = new Map<string, SavedPlace>();
  readonly lines: string[] = [];
  /** Commits fail as long as this is true. */
  isBroken = false;
  commits = 0;

  /** Numbers of lines `n=17 …`, in the order in which they were committed. */
  get numbers(): readonly number[] {
    return this.lines.flatMap((line) => {
      const found = /\bn=(\d+)/.exec(line)?.[1];
      return found === undefined ? [] : [Number(found)];
    });
  }
}

const allLines: Consumer<string> = {
  see: (batch) => textsOf(batch),
};

function textsOf({ bytes, starts, ends, count }: LineBatch): readonly string[] {
  return Array.from({ length: count }, (_, i) => bytes.toString("utf8", starts[i], ends[i]));
}

/** A follower over these sources; what it commits goes to `remembered`. */
export async function follow(
  remembered: Remembered,
  create: (host: SourceHost) => readonly Source[],
): Promise<Follow<string>> {
  const claimed = new Set<string>();
  const clock = steadyClock();
  const host: SourceHost = {
    clock,
    log: silentLog,
    places: [...remembered.places.values()],
    claim: (path) => !claimed.has(path) && claimed.add(path) !== undefined,
    release: (path) => void claimed.delete(path),
  };
  const follower = new Follow<string>({
    sources: create(host),
    consumers: [allLines],
    clock,
    log: silentLog,
    commit: async ({ places, writes }) => {
      if (remembered.isBroken) throw new Error("the store is away");
      remembered.commits++;
      for (const { source, key, body } of places) {
        if (body === undefined) remembered.places.delete(`${source} ${key}`);
        else remembered.places.set(`${source} ${key}`, { source, key, body });
      }
      remembered.lines.push(...writes);
    },
  });
  await follower.start();
  return follower;
}
