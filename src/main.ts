#!/usr/bin/env node
// argv → one command; nothing else. A worker thread starts from this file too, because a bundle has no other, and is told its role.

import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { isMainThread, workerData } from "node:worker_threads";

/** A checkout has a file for each kind of thread; a bundle starts them from its one file. */
const workerEntry = import.meta.url.endsWith(".ts") ? undefined : new URL(import.meta.url);

enableOwnCompileCache();
if (isMainThread) {
  const { runProgram } = await import("./cli/program.ts");
  await runProgram(process.argv.slice(2), {
    giveUpRights: async (rights) => (await import("./rights.ts")).giveUpRights(rights),
    daemon: async (read, options) => {
      const { openDaemonStore } = await import("./daemon-store.ts");
      const opening = openDaemonStore(read, options.log);
      const { startDaemon } = await import("./daemon.ts");
      return startDaemon(read, { ...options, opening, ...(workerEntry === undefined ? {} : { workerEntry }) });
    },
    helper: async (read, log) => (await import("./helper-role.ts")).startHelper(read, log),
  });
} else {
  const { runWorker } = await import("./worker-role.ts");
  await runWorker(workerData);
}

/**
 * Compiled code of the last start, in a directory of our own. Never in the common temporary directory: whoever puts a file
 * there first would say what root runs.
 */
function enableOwnCompileCache(): void {
  const { CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = process.env;
  const home = XDG_CACHE_HOME ?? (HOME === undefined ? undefined : join(HOME, ".cache"));
  const directory = CACHE_DIRECTORY ?? (home === undefined ? undefined : join(home, "postvarta"));
  if (directory !== undefined) enableCompileCache(join(directory, "compiled"));
}
