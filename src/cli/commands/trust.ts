// `trust list|add|remove|check`: what is never banned. Works while no daemon runs too.

import { Command } from "commander";
import type { TrustChangeAnswer, TrustCheckAnswer, TrustListAnswer } from "../../api/contract-bans.ts";
import { checkTrust, orderDistrust, orderTrust, showTrusts } from "../../jails/trust-orders.ts";
import { callerFields, offlineAuthor, throughDaemonOr } from "../ban-caller.ts";
import { Client } from "../client.ts";
import { exitCodes } from "../exit-code.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface ChangeOptions extends GlobalOptions {
  readonly until?: string;
  readonly note?: string;
  readonly dryRun?: boolean;
}

export function trustCommand(): Command {
  return new Command("trust")
    .description("lists and changes what is never banned")
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(removeCommand())
    .addCommand(checkCommand());
}

function listCommand(): Command {
  return new Command("list")
    .description("prints everything that is never banned, and why")
    .addHelpText("after", "\nExample:\n  postvarta trust list")
    .action(async (options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const trusts = await throughDaemonOr(
        options,
        async () => (await (await Client.open(options)).get<TrustListAnswer>("/trust")).trusts,
        async ({ banning }) => showTrusts(banning.trust.entries()),
      );
      if (terminal.json) return terminal.printJson(trusts);
      const rows = trusts.map(({ address, why, until }) => [
        address,
        until === null ? "" : terminal.time(until),
        safeText(why),
      ]);
      terminal.table(["ADDRESS", "UNTIL", "WHY"], rows);
    });
}

function addCommand(): Command {
  return new Command("add")
    .description("never ban an address, a network or a host name; bans that stand against it end")
    .argument("<value>")
    .option("--until <time>", "an ISO time, HH:MM, or a duration such as 7d (default: for good)")
    .option("--note <text>", "kept with it")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta trust add office.example.org --note 'branch in Lviv'")
    .action((value: string, options: ChangeOptions) => change("add", value, options));
}

function removeCommand(): Command {
  return new Command("remove")
    .description("takes back what was added")
    .argument("<value>")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta trust remove office.example.org")
    .action((value: string, options: ChangeOptions) => change("remove", value, options));
}

async function change(verb: "add" | "remove", value: string, options: ChangeOptions): Promise<void> {
  const terminal = new Terminal(options);
  const { until, note = "", dryRun = false } = options;
  const body = { value, until, note, dry_run: dryRun, ...callerFields() };
  const answer = await throughDaemonOr(
    options,
    async () => (await Client.open(options)).post<TrustChangeAnswer>(`/trust/${verb}`, body),
    async (house) => {
      const author = await offlineAuthor(house, dryRun);
      const order = { value, until, note, adminAddress: undefined, dryRun };
      const give = verb === "add" ? orderTrust : orderDistrust;
      return { dry_run: dryRun, ...(await give(house.store, order, author)) };
    },
  );
  if (!answer.changed) process.exitCode = exitCodes.nothing;
  if (terminal.json) return terminal.printJson(answer);
  const done = verb === "add" ? "trusted" : "no longer trusted";
  if (!answer.changed) terminal.line(safeText(`was not added: ${answer.value}`));
  else terminal.line(safeText(`${answer.dry_run ? "would be " : ""}${done}: ${answer.value}`));
}

function checkCommand(): Command {
  return new Command("check")
    .description("says whether an address may be banned, and why not; exit code 4 when nothing trusts it")
    .argument("<value>", "an address or a network")
    .addHelpText("after", "\nExample:\n  postvarta trust check 192.0.2.0/24")
    .action(async (value: string, options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const answer = await throughDaemonOr(
        options,
        async () => (await Client.open(options)).get<TrustCheckAnswer>("/trust/check", { value }),
        async ({ banning, now }) => checkTrust(value, (address, at) => banning.trust.find(address, at), now),
      );
      if (!answer.trusted) process.exitCode = exitCodes.nothing;
      if (terminal.json) return terminal.printJson(answer);
      terminal.line(
        safeText(
          answer.trusted
            ? `trusted: ${answer.address}: ${answer.why ?? ""} (${answer.by ?? ""})`
            : `not trusted: ${answer.address}`,
        ),
      );
    });
}
