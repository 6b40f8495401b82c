// `postvarta explain WHAT`: why mail was refused, with the whole trail of each decision.

import { Command } from "commander";
import type { ChangeAnswer, DecisionAnswer, ExplainAnswer } from "../../api/contract.ts";
import { printBans } from "../ban-lines.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { readStdin } from "../input.ts";
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
      "says why mail was refused: paste a line of mail.log or of a bounce, or name an address, account, queue id, decision id, recipient, time, or a piece of the answer",
    )
    .argument("<what...>", "several words are one text; - reads it from stdin")
    .option("--limit <n>", "at most so many decisions, newest first (20; at most 500)")
    .addHelpText(
      "after",
      "\nExample:\n  postvarta explain olena@example.org\n  grep 'reject: RCPT' /var/log/mail.log | tail -1 | postvarta explain -",
    )
    .action(explain);
}

async function explain(words: readonly string[], options: ExplainOptions): Promise<void> {
  const terminal = new Terminal(options);
  const what = words.length === 1 && words[0] === "-" ? (await readStdin()).trim() : words.join(" ");
  const client = await Client.open(options);
  const answer = await client.get<ExplainAnswer>(`/explain/${encodeURIComponent(what)}`, { limit: options.limit });
  if (terminal.json) return terminal.printJson(answer);
  if (answer.account !== null) printSuspicion(terminal, answer.account);
  if (answer.quotas.length > 0) {
    printQuotas(terminal, answer.quotas);
    terminal.line();
  }
  printBans(terminal, answer.bans);
  if (answer.decisions.length === 0 && answer.bans.length === 0) terminal.line("no decision other than a pass");
  for (const decision of answer.decisions) printDecision(terminal, decision);
  if (answer.next !== null) terminal.line("older decisions are left out: see --limit");
}

function printSuspicion(terminal: Terminal, found: NonNullable<ExplainAnswer["account"]>): void {
  const { account, level, score, because, watched_since: since, watched_because: why, frozen } = found;
  terminal.line(safeText(`account ${account}: ${level}, score ${score}${because === "" ? "" : `: ${because}`}`));
  if (since !== null) terminal.line(`  under watch since ${terminal.time(since)}: ${safeText(why ?? "")}`);
  if (frozen) terminal.line("  frozen: it may not send");
  terminal.line(`  more: postvarta accounts show ${safeText(account)}`);
  terminal.line();
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
    ["node", decision.node],
  ];
  for (const [name, value] of facts) if (value !== "") terminal.line(`  ${name.padEnd(9)} ${safeText(value)}`);
  printTrail(terminal, decision.trail, "  ");
  for (const change of decision.changes) terminal.line(`  ${changeLine(terminal, change)}`);
  terminal.line();
}

function changeLine(terminal: Terminal, { kind, name, act, at, by, via, detail, since }: ChangeAnswer): string {
  const how = via === "" ? "" : ` over the ${via}`;
  const what = detail === "" ? "" : `: ${detail}`;
  const when = since ? "after it, " : "";
  return `${when}${safeText(`${kind} ${name} was ${act}`)} ${terminal.time(at)} by ${safeText(`${by}${how}${what}`)}`;
}
