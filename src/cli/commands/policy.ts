// `postvarta policy apply|export|explain`: the rules, through the daemon.

import { Command } from "commander";
import type { ApplyAnswer, ExportAnswer, ProblemView, RehearseAnswer } from "../../api/contract.ts";
import { Problem } from "../../core/problem.ts";
import { Client, callerName } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { readInput, readStdin } from "../input.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";
import { printTrail } from "../trail-lines.ts";

interface ApplyOptions extends GlobalOptions {
  readonly prune?: boolean;
  readonly dryRun?: boolean;
}

export function policyCommand(): Command {
  return new Command("policy")
    .description("applies, exports and explains the rules")
    .addCommand(applyCommand())
    .addCommand(exportCommand())
    .addCommand(explainCommand());
}

function applyCommand(): Command {
  return new Command("apply")
    .description("makes the rules those of a policies file (- is stdin): all of it, or with one mistake nothing")
    .argument("<file>", "the policies file, TOML or JSON")
    .option("--prune", "remove policies, groups and added members that the file does not hold")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta policy apply /etc/postvarta/rules.toml --dry-run")
    .action(apply);
}

async function apply(file: string, options: ApplyOptions): Promise<void> {
  const terminal = new Terminal(options);
  const text = await readInput(file);
  const client = await Client.open(options);
  const answer = await client.post<ApplyAnswer>("/policies/apply", {
    text,
    file: file === "-" ? "stdin" : file,
    prune: options.prune === true,
    dry_run: options.dryRun === true,
    by: callerName(),
  });
  if (terminal.json) return terminal.printJson(answer);
  for (const warning of answer.warnings) terminal.remark(`warning: ${safeText(problemLine(warning))}`);
  const lines = [...changeLines("policy", answer.policies), ...changeLines("group", answer.groups)];
  for (const line of lines) terminal.line(line);
  if (lines.length === 0) terminal.line("nothing changed");
  else if (answer.dry_run) terminal.line("dry run: nothing was changed");
}

function changeLines(kind: string, changes: ApplyAnswer["policies"]): readonly string[] {
  const lines = (word: string, names: readonly string[]) => names.map((name) => `${word} ${kind} ${safeText(name)}`);
  return [...lines("added", changes.added), ...lines("changed", changes.changed), ...lines("removed", changes.removed)];
}

function problemLine({ where, message, hint }: ProblemView): string {
  return [where, message, hint].filter((part) => part !== null).join(": ");
}

function exportCommand(): Command {
  return new Command("export")
    .description("prints all rules as a policies file that `policy apply` reads")
    .addHelpText("after", "\nExample:\n  postvarta policy export > rules.toml")
    .action(async (options: GlobalOptions) => {
      const terminal = new Terminal(options);
      const { text } = await (await Client.open(options)).get<ExportAnswer>("/policies/export");
      if (terminal.json) terminal.printJson({ text });
      else process.stdout.write(text);
    });
}

function explainCommand(): Command {
  return new Command("explain")
    .description("says what a policy request would be answered, and why; charges nothing")
    .argument("[attributes...]", "name=value of the request; without any, the request is read from stdin")
    .addHelpText(
      "after",
      "\nExample:\n  postvarta policy explain sasl_username=olena@example.org sender=olena@example.org recipient=bob@example.net",
    )
    .action(explain);
}

async function explain(attributes: readonly string[], options: GlobalOptions): Promise<void> {
  const wrong = attributes.find((attribute) => attribute.indexOf("=") < 1);
  if (wrong !== undefined) {
    throw new Problem("not an attribute", {
      code: "usage",
      where: wrong,
      hint: "name=value, as in sender=olena@example.org",
    });
  }
  // A line end inside an argument would be a second attribute.
  const text =
    attributes.length > 0 ? attributes.map((one) => one.replace(/[\r\n]/g, " ")).join("\n") : await readStdin();
  const terminal = new Terminal(options);
  const answer = await (await Client.open(options)).post<RehearseAnswer>("/policies/explain", { text });
  if (terminal.json) return terminal.printJson(answer);
  const refused = answer.verdict.kind === "reject" || answer.verdict.kind === "defer";
  terminal.line(terminal.paint(refused ? "red" : "green", safeText(answer.action)));
  printTrail(terminal, answer.trail);
}
