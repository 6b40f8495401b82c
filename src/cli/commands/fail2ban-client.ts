// `fail2ban-client`: what scripts and dashboards ask of Fail2ban, with its text and its exit codes.

import { Command } from "commander";
import type { ClientAnswer } from "../../api/contract-jails.ts";
import { callerFields } from "../ban-caller.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { reportError } from "../problem-report.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

/** What Fail2ban's client ends with, whatever went wrong. */
const exitFailed = 255;

export function fail2banClientCommand(): Command {
  return new Command("fail2ban-client")
    .description(
      "answers status, banned, get, set … banip, set … unbanip, unban, ping and version as fail2ban-client does",
    )
    .argument("[words...]", "as fail2ban-client takes them")
    .allowUnknownOption()
    .addHelpText("after", "\nExample:\n  postvarta fail2ban-client status postfix-sasl")
    .action(call);
}

async function call(words: readonly string[], options: GlobalOptions): Promise<void> {
  try {
    const client = await Client.open(options);
    const answer = await client.post<ClientAnswer>("/fail2ban-client", { words, ...callerFields() });
    const terminal = new Terminal(options);
    if (terminal.json) terminal.printJson(answer);
    else process.stdout.write(`${answer.text.split("\n").map(shown).join("\n")}\n`);
    process.exitCode = answer.exit;
  } catch (error) {
    reportError(error, options.json === true);
    process.exitCode = exitFailed;
  }
}

/** Tabs belong to the form. */
function shown(line: string): string {
  return line.split("\t").map(safeText).join("\t");
}
