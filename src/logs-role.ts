// The logs thread's half of the joins: which parts look at the lines. daemon.ts has the other half, their owners.

import type { LogPart } from "./core/log-part.ts";
import { JailPart } from "./jails/jail-part.ts";
import { type JailsStart, jailsPart } from "./jails/jail-words.ts";
import { runLogsWorker } from "./logs/worker.ts";

/** Follows the logs with every part that its owner in daemon.ts started. */
export async function runLogsRole(): Promise<void> {
  await runLogsWorker((starts) => new Map(createParts(starts)));
}

function createParts(starts: Readonly<Record<string, unknown>>): [string, LogPart][] {
  const jails = starts[jailsPart] as JailsStart | undefined;
  return jails === undefined ? [] : [[jailsPart, new JailPart(jails)]];
}
