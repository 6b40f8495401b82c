// The logs thread's half of the joins: which parts look at the lines. daemon.ts has the other half, their owners.

import { runLogsWorker } from "./logs/worker.ts";

/** Follows the logs with every part that its owner in daemon.ts started. */
export async function runLogsRole(): Promise<void> {
  await runLogsWorker(() => new Map());
}
