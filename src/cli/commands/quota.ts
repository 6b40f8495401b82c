// `postvarta quota list|show|reset|raise`: live counters, through the daemon.

import { Command } from "commander";
import type { QuotaAnswer, QuotaChangeAnswer, QuotaList, QuotaPage } from "../../api/contract.ts";
import { Client, callerName } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { Terminal } from "../terminal.ts";

interface ListOptions extends GlobalOptions {
  readonly quota?: string;
}

interface ChangeOptions extends GlobalOptions {
  readonly dryRun?: boolean;
}

interface RaiseOptions extends ChangeOptions {
  readonly to: string;
  readonly until: string;
}

const keyHelp = "QUOTA/TRACK-KEY, a track key (SASLUsername:olena@example.org), an account, or an address";

export function quotaCommand(): Command {
  return new Command("quota")
    .description("lists, shows, resets and raises counters")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(resetCommand())
    .addCommand(raiseCommand());
}

function listCommand(): Command {
  return new Command("list")
    .description("prints every counter in use")
    .option("--quota <name>", "only of quotas of this name")
    .addHelpText("after", "\nExample:\n  postvarta quota list --quota 'newuser hour'")
    .action(list);
}

async function list(options: ListOptions): Promise<void> {
  const terminal = new Terminal(options);
  const client = await Client.open(options);
  const quotas: QuotaAnswer[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.get<QuotaPage>("/quotas", { quota: options.quota, cursor });
    quotas.push(...page.quotas);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  if (terminal.json) terminal.printJson(quotas);
  else printQuotas(terminal, quotas);
}

function showCommand(): Command {
  return new Command("show")
    .description("prints the counters of one key, or all limits of an account, also before it has sent anything")
    .argument("<key>", keyHelp)
    .addHelpText("after", "\nExample:\n  postvarta quota show olena@example.org")
    .action(async (key: string, options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const { quotas } = await (await Client.open(options)).get<QuotaList>("/quotas/show", { key });
      if (terminal.json) terminal.printJson(quotas);
      else printQuotas(terminal, quotas);
    });
}

function resetCommand(): Command {
  return new Command("reset")
    .description("forgets what was counted under a key, or under all keys of an account")
    .argument("<key>", keyHelp)
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta quota reset olena@example.org")
    .action(async (key: string, options: ChangeOptions) => {
      const body = { key, dry_run: options.dryRun === true, by: callerName() };
      await change("/quotas/reset", body, options);
    });
}

function raiseCommand(): Command {
  return new Command("raise")
    .description("raises the limit of one key until a time; the rule stays as it is")
    .argument("<key>", keyHelp)
    .requiredOption("--to <limit>", "N, or N/COUNT/PER where the key has several limits, as in 500/recipients/1h")
    .requiredOption("--until <time>", "an ISO time, HH:MM, or a duration such as 2h")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta quota raise olena@example.org --to 500/recipients/1h --until 18:00")
    .action(async (key: string, options: RaiseOptions) => {
      const body = { key, to: options.to, until: options.until, dry_run: options.dryRun === true, by: callerName() };
      await change("/quotas/raise", body, options);
    });
}

async function change(path: string, body: unknown, options: ChangeOptions): Promise<void> {
  const terminal = new Terminal(options);
  const answer = await (await Client.open(options)).post<QuotaChangeAnswer>(path, body);
  if (terminal.json) return terminal.printJson(answer);
  printQuotas(terminal, answer.quotas);
  if (answer.dry_run) terminal.line("dry run: nothing was changed");
}

/** Shared with `explain`: counters as a table. */
export function printQuotas(terminal: Terminal, quotas: readonly QuotaAnswer[]): void {
  if (quotas.length === 0) return terminal.line("no counter in use");
  const rows = quotas.map((quota) => [
    `${quota.quota}/${quota.key}`,
    quota.used,
    quota.raised_to ?? quota.max,
    quota.count,
    quota.per,
    quota.frees_at !== null
      ? `one fits ${terminal.time(quota.frees_at)}`
      : quota.empty_at === null
        ? ""
        : `empty ${terminal.time(quota.empty_at)}`,
    [
      quota.mode === "observe" ? "observed" : "",
      quota.raised_until === null ? "" : `raised until ${terminal.time(quota.raised_until)}`,
    ]
      .filter((note) => note !== "")
      .join(", "),
  ]);
  terminal.table(["KEY", "USED", "MAX", "COUNT", "PER", "FREES", "NOTE"], rows);
}
