// `postvarta accounts contain|release`: one list of steps, shown before it acts.

import { Command } from "commander";
import type { StepShown, StepsAnswer } from "../../api/contract-accounts.ts";
import { Client, callerName } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface ActOptions extends GlobalOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function containCommand(): Command {
  return new Command("contain")
    .description(
      "stops a stolen account: freezes it, holds its queued mail, ends its sessions, bans unfamiliar addresses",
    )
    .argument("<name>")
    .option("--yes", "do it; without it the plan is printed, and nothing is done")
    .option("--dry-run", "print the plan, also beside --yes")
    .option("--skip <step...>", "leave out freeze, hold, kick, ban or notify")
    .option("--reason <text>", "why")
    .addHelpText(
      "after",
      "\nUndo with `accounts release`.\nExample:\n  postvarta accounts contain olena@example.org --yes",
    )
    .action(async (account: string, options: ActOptions & { readonly skip?: string[]; readonly reason?: string }) => {
      const { skip, reason } = options;
      await run("/accounts/contain", { account, skip, reason }, options);
    });
}

interface ReleaseOptions extends ActOptions {
  readonly passwordChanged?: boolean;
  readonly held?: string;
  readonly probation?: string;
}

export function releaseCommand(): Command {
  return new Command("release")
    .description("gives a contained account back to its owner")
    .argument("<name>")
    .option("--password-changed", "the password was changed; without it nothing is given back")
    .option("--held <what>", "release or delete the messages that were held (delete)")
    .option("--probation <duration>", "how long it stays under watch (7d); 0s for not at all")
    .option("--yes", "do it; without it the plan is printed, and nothing is done")
    .option("--dry-run", "print the plan, also beside --yes")
    .addHelpText(
      "after",
      "\nUndo with `accounts contain`.\nExample:\n  postvarta accounts release olena@example.org --password-changed --held delete --yes",
    )
    .action(async (account: string, options: ReleaseOptions) => {
      const { passwordChanged: password_changed, held, probation } = options;
      await run("/accounts/release", { account, password_changed, held, probation }, options);
    });
}

async function run(path: string, body: object, options: ActOptions): Promise<void> {
  const terminal = new Terminal(options);
  const act = options.yes === true && options.dryRun !== true;
  const answer = await (await Client.open(options)).post<StepsAnswer>(path, { ...body, act, by: callerName() });
  if (answer.steps.some(({ result }) => result === "failed")) process.exitCode = 1;
  if (terminal.json) return terminal.printJson(answer);
  for (const step of answer.steps) printStep(terminal, step);
  if (!answer.acted) terminal.line("nothing was done: say --yes to do it");
}

const signs: Readonly<Record<StepShown["result"], string>> = {
  planned: "[ ]",
  done: "[x]",
  nothing_to_do: "[-]",
  failed: "[!]",
  by_hand: "[>]",
};

function printStep(terminal: Terminal, { what, result, detail }: StepShown): void {
  terminal.line(`${signs[result]} ${safeText(what)}${result === "by_hand" ? ": run this" : ""}`);
  if (detail !== "") terminal.line(`    ${safeText(detail)}`);
}
