// `postvarta explain WHAT`: why mail was refused, with the whole trail of each decision.

import { Command } from "commander";
import type { DecisionAnswer, ExplainAnswer } from "../../api/contract.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";
import { printTrail } from "../trail-lines.ts";
import { printQuotas } from "./quota.ts";

interface ExplainOptions extends GlobalOptions {
  readonly limit?: string;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description(
      "says why mail was refused, by address, account, queue id, decision id, recipient, or a piece of the answer",
    )
    .argument("<what...>", "several words are one text")
    .option("--limit <n>", "at most so many decisions, newest first (20; at most 500)")
    .addHelpText("after", "\nExample:\n  postvarta explain olena@example.org")
    .action(explain);
}

async function explain(words: readonly string[], options: ExplainOptions): Promise<void> {
  const terminal = new Terminal(options);
  const what = words.join(" ");
  const client = await Client.open(options);
  const answer = await client.get<ExplainAnswer>(`/explain/${encodeURIComponent(what)}`, { limit: options.limit });
  if (terminal.json) return terminal.printJson(answer);
  if (answer.quotas.length > 0) {
    printQuotas(terminal, answer.quotas);
    terminal.line();
  }
  if (answer.decisions.length === 0) terminal.line("no decision other than a pass");
  for (const decision of answer.decisions) printDecision(terminal, decision);
  if (answer.next !== null) terminal.line("older decisions are left out: see --limit");
}

function printDecision(terminal: Terminal, decision: DecisionAnswer): void {
  const refused = decision.verdict === "reject" || decision.verdict === "defer";
  const times = decision.count === 1 ? "" : `, ${decision.count} times until ${terminal.time(decision.last_at)}`;
  const verdict = terminal.paint(refused ? "red" : "yellow", safeText(`${decision.verdict} ${decision.text}`.trim()));
  terminal.line(`${terminal.paint("bold", safeText(decision.id))}  ${terminal.time(decision.at)}${times}  ${verdict}`);
  const facts: readonly (readonly [string, string])[] = [
    ["rule", decision.rule],
    ["key", decision.key],
    ["account", decision.account],
    ["from", decision.sender],
    ["to", decision.recipient],
    ["client", decision.client],
    ["queue id", decision.queue_id],
  ];
  for (const [name, value] of facts) if (value !== "") terminal.line(`  ${name.padEnd(9)} ${safeText(value)}`);
  printTrail(terminal, decision.trail, "  ");
  terminal.line();
}
