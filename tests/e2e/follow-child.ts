// A follower with a store on disk in a process of its own, to be killed at any moment. Each numbered line is a count in the
// store, written with the place: a line that is lost has none, one that is doubled has two.

import { steadyClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { type Consumer, Follow } from "../../src/logs/follow.ts";
import type { SourceHost } from "../../src/logs/source.ts";
import { fileSource } from "../../src/logs/sources/file.ts";
import { addLogCounts, type LogCount } from "../../src/store/log-counts.ts";
import { openStore } from "../../src/store/open.ts";
import { readPlaces, savePlaces } from "../../src/store/places.ts";

const [path = "", database = ""] = process.argv.slice(2);
const node = "mx1";
const clock = steadyClock();

const numbers: Consumer<LogCount> = {
  see: ({ source, bytes, starts, ends, count }) =>
    Array.from({ length: count }, (_, i) => {
      const kind = /\bn=\d+/.exec(bytes.toString("utf8", starts[i], ends[i]))?.[0] ?? "other";
      return { source, kind, count: 1 };
    }),
};

const store = await openStore(`sqlite:${database}`, { clock });
const host: SourceHost = {
  clock,
  log: silentLog,
  places: await readPlaces(store, node),
  claim: () => true,
  release: () => {},
};
const follow = new Follow<LogCount>({
  sources: [fileSource.create({ path, from: "end" }, host)],
  consumers: [numbers],
  clock,
  log: silentLog,
  commit: ({ places, writes }) =>
    store.facts.transaction().execute(async (tx) => {
      await savePlaces(tx, node, places, clock.now());
      await addLogCounts(tx, node, writes);
    }),
});
process.on("SIGTERM", async () => {
  await follow[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  process.exit(0);
});
await follow.start();
process.stdout.write("ready\n");
