// The logs thread's half of the joins: which parts look at the lines. daemon.ts has the other half, their owners.

import { AccountsPart } from "./accounts/accounts-part.ts";
import { type AccountsStart, accountsPartName } from "./accounts/accounts-words.ts";
import { SharedAccountsPart } from "./accounts/shared-part.ts";
import type { Log } from "./core/log.ts";
import type { LogPart } from "./core/log-part.ts";
import { JailPart } from "./jails/jail-part.ts";
import { type JailsStart, jailsPart } from "./jails/jail-words.ts";
import { runLogsWorker } from "./logs/worker.ts";
import { networkCacheDirectory } from "./networks/embedded.ts";
import { type NetworkSettings, networksStart, type OpenedNetworks, openNetworks } from "./networks/networks.ts";

/** How soon imported data about networks are used. */
const refreshMs = 60_000;

/** Follows the logs with every part that its owner in daemon.ts started. */
export async function runLogsRole(): Promise<void> {
  await runLogsWorker(async (starts, log) => {
    const parts = new Map<string, LogPart>();
    const jails = starts[jailsPart] as JailsStart | undefined;
    if (jails !== undefined) parts.set(jailsPart, new JailPart(jails));
    const accounts = starts[accountsPartName] as AccountsStart | undefined;
    const part =
      accounts === undefined
        ? undefined
        : await createAccountsPart(accounts, (starts[networksStart] ?? {}) as NetworkSettings, log);
    if (part !== undefined) parts.set(accountsPartName, part);
    return parts;
  });
}

/** Without data about networks nobody is judged; the logs are read all the same. */
async function createAccountsPart(
  start: AccountsStart,
  settings: NetworkSettings,
  log: Log,
): Promise<LogPart | undefined> {
  try {
    const networks = await openNetworks(settings, networkCacheDirectory(process.env));
    setInterval(() => void refresh(networks, log), refreshMs).unref();
    return start.sharedAs === undefined
      ? new AccountsPart(start, networks.book)
      : new SharedAccountsPart(start, networks.book, start.sharedAs);
  } catch (error) {
    log.error("accounts.not-judged", { error: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

async function refresh(networks: OpenedNetworks, log: Log): Promise<void> {
  try {
    if (await networks.refresh()) log.info("networks.imported", { troubles: networks.statusAt(0).troubles.join("; ") });
  } catch (error) {
    log.error("networks.not-read", { error: error instanceof Error ? error.message : String(error) });
  }
}
