// The logs thread's half of the joins: which parts look at the lines. daemon.ts has the other half, their owners.

import { AccountsPart } from "./accounts/accounts-part.ts";
import { type AccountsStart, accountsPartName } from "./accounts/accounts-words.ts";
import type { Log } from "./core/log.ts";
import type { LogPart } from "./core/log-part.ts";
import { JailPart } from "./jails/jail-part.ts";
import { type JailsStart, jailsPart } from "./jails/jail-words.ts";
import { runLogsWorker } from "./logs/worker.ts";
import { networkCacheDirectory, openEmbeddedNetworks } from "./networks/embedded.ts";

/** Follows the logs with every part that its owner in daemon.ts started. */
export async function runLogsRole(): Promise<void> {
  await runLogsWorker(async (starts, log) => {
    const parts = new Map<string, LogPart>();
    const jails = starts[jailsPart] as JailsStart | undefined;
    if (jails !== undefined) parts.set(jailsPart, new JailPart(jails));
    const accounts = starts[accountsPartName] as AccountsStart | undefined;
    const part = accounts === undefined ? undefined : await createAccountsPart(accounts, log);
    if (part !== undefined) parts.set(accountsPartName, part);
    return parts;
  });
}

/** Without data about networks nobody is judged; the logs are read all the same. */
async function createAccountsPart(start: AccountsStart, log: Log): Promise<LogPart | undefined> {
  try {
    const { book } = await openEmbeddedNetworks(networkCacheDirectory(process.env));
    return new AccountsPart(start, book);
  } catch (error) {
    log.error("accounts.not-judged", { error: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}
