// `postvarta notices`: what was told to whom, and whether each way out works.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import type { NoticePage, NoticeTestAnswer } from "../../api/contract-notices.ts";
import { readConfig } from "../../config/config.ts";
import { Problem } from "../../core/problem.ts";
import { placeholdersOf } from "../../notify/template.ts";
import { fileOf, printTemplate, readTemplates, templateNames } from "../../notify/templates.ts";
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
    .option("--template <kind>", "with the words of this kind, its facts named in brackets")
    .option("--to <address>", "where a test of a channel for owners goes")
    .addHelpText("after", "\nExample:\n  postvarta notices test ops --template account_contained")
    .action(testChannels);
  const templates = new Command("templates")
    .description("list the templates of notices and whose words hold; needs no daemon")
    .option("--write <folder>", "write those that are not there yet, to be edited")
    .addHelpText("after", "\nExample:\n  postvarta notices templates --write /etc/postvarta/templates")
    .action(listTemplates);
  const all = [list, test, templates];
  return all.reduce((whole, one) => whole.addCommand(one), new Command("notices").description("who is told of what"));
}

function listTemplates(options: GlobalOptions & { readonly write?: string }): void {
  const terminal = new Terminal(options);
  const folder = readConfig({ file: options.config, environment: process.env }).config.notices.templates;
  const own = readTemplates(folder);
  const rows = templateNames().map((name) => {
    const file = fileOf(name);
    return { ...name, file, own: own.has(file), placeholders: placeholdersOf(name.kind) };
  });
  const written = options.write === undefined ? [] : writeTemplates(options.write);
  if (terminal.json) return terminal.printJson({ folder, templates: rows, written });
  if (options.write !== undefined)
    return terminal.line(`${written.length} files written to ${safeText(options.write)}`);
  for (const { file, own: isOwn, placeholders } of rows)
    terminal.line(`${file.padEnd(34)}  ${isOwn ? "yours   " : "built in"}  {${placeholders.join("} {")}}`);
}

/** What stands there is somebody's work. */
function writeTemplates(folder: string): readonly string[] {
  mkdirSync(folder, { recursive: true });
  return templateNames().flatMap((name) => {
    const path = join(folder, fileOf(name));
    if (existsSync(path)) return [];
    writeFileSync(path, printTemplate(name), { flag: "wx" });
    return [path];
  });
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

interface TestOptions extends GlobalOptions {
  readonly template?: string;
  readonly to?: string;
}

async function testChannels(channel: string | undefined, options: TestOptions): Promise<void> {
  const terminal = new Terminal(options);
  const client = await Client.open(options);
  const answer = await client.post<NoticeTestAnswer>("/notices/test", {
    channel,
    template: options.template,
    to: options.to,
  });
  if (answer.results.some(({ ok }) => !ok)) process.exitCode = exitCodes.failed;
  if (terminal.json) return terminal.printJson(answer);
  if (answer.results.length === 0) terminal.line("no channel is configured: [[notices.channels]]");
  for (const { channel: name, ok, ms, error } of answer.results) {
    terminal.line(safeText(ok ? `${name}: taken in ${ms} ms` : `${name}: ${error}`));
  }
}
