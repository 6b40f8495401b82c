// `stop [--flush]`: ends the daemon. Without --flush bans stay in the firewall until their time is over.

import { Command } from "commander";
import type { StopAnswer } from "../../api/contract-bans.ts";
import { Problem } from "../../core/problem.ts";
import { callerFields, throughDaemonOr } from "../ban-caller.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { Terminal } from "../terminal.ts";

export function stopCommand(): Command {
  return new Command("stop")
    .description("stops the daemon; with --flush no rule of ours is left in the firewall")
    .option("--flush", "take every rule of ours away first; works while no daemon runs too")
    .option("--dry-run", "say what would be done, and do nothing")
    .addHelpText(
      "after",
      "\nUnder systemd stop its units first (systemctl stop postvarta-policy.socket postvarta.service), or the next question of\nPostfix starts the daemon again.\nExample:\n  postvarta stop --flush",
    )
    .action(stop);
}

async function stop(options: GlobalOptions & { readonly flush?: boolean; readonly dryRun?: boolean }): Promise<void> {
  const terminal = new Terminal(options);
  const flush = options.flush === true;
  if (options.dryRun === true) {
    if (terminal.json) return terminal.printJson({ dry_run: true, flushed: flush });
    return terminal.line(flush ? "would take every rule away and stop" : "would stop");
  }
  const online = async () => (await Client.open(options)).post<StopAnswer>("/stop", { flush, by: callerFields().by });
  const answer = flush
    ? await throughDaemonOr(options, online, async ({ banning }) => {
        const error = await banning.flush();
        return { flushed: error === undefined, error: error ?? null };
      })
    : await online();
  if (answer.error !== null)
    throw new Problem(`the firewall was not emptied, and nothing was stopped: ${answer.error}`, {
      code: "firewall/failed",
    });
  if (terminal.json) return terminal.printJson(answer);
  terminal.line(flush ? "no rule is left; stopped" : "stopped");
}
