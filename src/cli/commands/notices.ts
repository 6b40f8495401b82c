// `postvarta notices`: what was told to whom, and whether each way out works.

import { Command } from "commander";
import type { NoticePage, NoticeTestAnswer } from "../../api/contract-notices.ts";
import { Problem } from "../../core/problem.ts";
import { Client } from "../client.ts";
import { exitCodes } from "../exit-code.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface ListOptions extends GlobalOptions {
  readonly limit: string;
  readonly failed?: boolean;
}

const limitMax = 500;

export function noticesCommand(): Command {
  const list = new Command("list")
    .description("print notices, newest first, and what became of them at each channel")
    .option("--limit <n>", "how many, at most 500", "50")
    .option("--failed", "only those that a channel did not take")
    .addHelpText("after", "\nExample:\n  postvarta notices list --failed")
    .action(listNotices);
  const test = new Command("test")
    .description("send a test through a channel, or through all of them")
    .argument("[channel]", "its name in [[notices.channels]]")
    .addHelpText("after", "\nExample:\n  postvarta notices test ops")
    .action(testChannels);
  return new Command("notices").description("who is told of what").addCommand(list).addCommand(test);
}

async function listNotices(options: ListOptions): Promise<void> {
  const terminal = new Terminal(options);
  const client = await Client.open(options);
  const page = await readPages(client, limitOf(options.limit), options.failed === true);
  const { notices } = page;
  if (terminal.json) return terminal.printJson(page);
  if (page.channels.length === 0) terminal.remark("no channel is configured: notices are kept here only");
  if (notices.length === 0) return terminal.line("no notices");
  for (const { at, severity, kind, subject, facts, deliveries } of notices) {
    terminal.line(`${terminal.time(at)}  ${severity.padEnd(8)}  ${kind}  ${terminal.paint("bold", safeText(subject))}`);
    for (const [label, value] of Object.entries(facts)) terminal.line(`    ${safeText(`${label}: ${value}`)}`);
    for (const { channel, state, attempts, error } of deliveries) {
      const tries = attempts > 1 ? `, ${attempts} tries` : "";
      terminal.line(`    → ${safeText(`${channel}: ${state}${tries}${error === null ? "" : `: ${error}`}`)}`);
    }
  }
}

/** The newest that are wanted, from as many pages as it takes. */
async function readPages(client: Client, limit: number, onlyFailed: boolean): Promise<Omit<NoticePage, "next">> {
  const notices: NoticePage["notices"] = [];
  let channels: NoticePage["channels"] = [];
  let cursor: string | undefined;
  do {
    const page = await client.get<NoticePage>("/notices", { cursor, limit: onlyFailed ? undefined : String(limit) });
    channels = page.channels;
    const isWanted = ({ deliveries }: NoticePage["notices"][number]) =>
      !onlyFailed || deliveries.some(({ error, state }) => error !== null && state !== "sent");
    notices.push(...page.notices.filter(isWanted));
    cursor = page.next ?? undefined;
  } while (onlyFailed && notices.length < limit && cursor !== undefined);
  return { channels, notices: notices.slice(0, limit) };
}

function limitOf(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= limitMax) return Number(text);
  throw new Problem(`${text} is no number of notices`, { code: "usage", where: "--limit", hint: `1 to ${limitMax}` });
}

async function testChannels(channel: string | undefined, options: GlobalOptions): Promise<void> {
  const terminal = new Terminal(options);
  const client = await Client.open(options);
  const answer = await client.post<NoticeTestAnswer>("/notices/test", channel === undefined ? {} : { channel });
  if (answer.results.some(({ ok }) => !ok)) process.exitCode = exitCodes.failed;
  if (terminal.json) return terminal.printJson(answer);
  if (answer.results.length === 0) terminal.line("no channel is configured: [[notices.channels]]");
  for (const { channel: name, ok, ms, error } of answer.results) {
    terminal.line(safeText(ok ? `${name}: taken in ${ms} ms` : `${name}: ${error}`));
  }
}
