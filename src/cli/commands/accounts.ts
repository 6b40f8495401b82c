// `postvarta accounts list|show|watch|trust|mark|erase|export`: who looks stolen, why, and what a person says of it.

import { Command } from "commander";
import type {
  AccountList,
  AccountShown,
  EraseAnswer,
  MarkAnswer,
  WatchAnswer,
  WatchShown,
} from "../../api/contract-accounts.ts";
import { printAccount } from "../account-lines.ts";
import { printMap } from "../account-map.ts";
import { Client, callerName } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { usageProblem } from "../log-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface DryOptions extends GlobalOptions {
  readonly dryRun?: boolean;
}

/** The commands to be put under `accounts`. */
export function accountCommands(): readonly Command[] {
  return [listCommand(), showCommand(), watchCommand(), markCommand(), trustCommand(), eraseCommand(), exportCommand()];
}

function listCommand(): Command {
  return new Command("list")
    .description("prints accounts above calm, under watch or frozen")
    .option("--watched", "only accounts under watch")
    .addHelpText("after", "\nExample:\n  postvarta accounts list")
    .action(async (options: GlobalOptions & { readonly watched?: boolean }) => {
      const terminal = new Terminal(options);
      const watched = options.watched === true ? "yes" : "no";
      const answer = await (await Client.open(options)).get<AccountList>("/accounts", { watched });
      if (terminal.json) return terminal.printJson(answer);
      if (answer.mode === "observe") terminal.remark("[accounts] mode = observe: no group is changed");
      if (answer.accounts.length === 0) return terminal.line("no account is under suspicion");
      const rows = answer.accounts.map(({ account, level, score, at, watch, frozen, because }) => [
        ...[account, level, score, terminal.time(at), watchText(terminal, watch) + (frozen ? ", frozen" : "")],
        because,
      ]);
      terminal.table(["ACCOUNT", "LEVEL", "SCORE", "SINCE", "WATCH", "BECAUSE"], rows);
    });
}

function watchText(terminal: Terminal, watch: WatchShown | null): string {
  return watch === null ? "-" : `${watch.origin} ${terminal.time(watch.since)}`;
}

function showCommand(): Command {
  return new Command("show")
    .description("prints what is known of an account: level, signals, networks, countries, logins, marks")
    .argument("<name>")
    .option("--map", "where it logs in from, as a text map")
    .addHelpText("after", "\nExample:\n  postvarta accounts show olena@example.org --map")
    .action(async (name: string, options: GlobalOptions & { readonly map?: boolean }) => {
      const terminal = new Terminal(options);
      const account = await (await Client.open(options)).get<AccountShown>("/accounts/show", { account: name });
      if (terminal.json) return terminal.printJson(account);
      printAccount(terminal, account);
      if (options.map === true) printMap(terminal, account);
    });
}

interface WatchOptions extends DryOptions {
  readonly end?: boolean;
  readonly until?: string;
  readonly reason?: string;
}

function watchCommand(): Command {
  return new Command("watch")
    .description("puts an account under watch, or ends its watch")
    .argument("<name>")
    .option("--end", "end the watch; it does not begin again by itself for 7 days, unless the level is high")
    .option("--until <time>", "an ISO time, HH:MM, or a duration such as 2d")
    .option("--reason <text>", "why")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nUndo with --end.\nExample:\n  postvarta accounts watch olena@example.org --until 7d")
    .action(async (account: string, options: WatchOptions) => {
      const terminal = new Terminal(options);
      const { end = false, until, reason, dryRun = false } = options;
      const body = { account, end, until, reason, dry_run: dryRun, by: callerName() };
      const answer = await (await Client.open(options)).post<WatchAnswer>("/accounts/watch", body);
      if (terminal.json) return terminal.printJson(answer);
      const would = answer.dry_run ? "would be " : "";
      const name = safeText(answer.account);
      if (!answer.changed) return terminal.line(`${name} is not under watch`);
      terminal.line(end ? `${would}ended: the watch of ${name}` : `${would}under watch: ${name}`);
    });
}

interface MarkOptions extends DryOptions {
  readonly mine?: string;
  readonly trip?: string;
  readonly from?: string;
  readonly until?: string;
  readonly shared?: boolean;
  readonly device?: boolean;
  readonly note?: string;
  readonly undo?: boolean;
}

function markCommand(): Command {
  return new Command("mark")
    .description("says what is known of an account: this was the owner, they travel, several people use it")
    .argument("<name>")
    .option("--mine <network>", "AS15895, an address, a prefix, or all: what is unfamiliar now was the owner")
    .option("--trip <country>", "two letters: the owner is there, from --from until --until")
    .option("--from <time>", "of a trip: an ISO time; at once without it")
    .option("--until <time>", "an ISO time, HH:MM, or a duration such as 14d")
    .option("--shared", "several people use the account: where it is weighs less")
    .option("--device", "a device that never moves: an unfamiliar network is one too many")
    .option("--note <text>", "why")
    .option("--undo", "take the mark away")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText(
      "after",
      "\nExample:\n  postvarta accounts mark olena@example.org --mine all\n  postvarta accounts mark olena@example.org --trip PL --until 14d",
    )
    .action(async (account: string, options: MarkOptions) => {
      const { from, until, note, undo: remove = false, dryRun = false } = options;
      await mark({ account, ...kindOf(options), from, until, note, remove, dry_run: dryRun }, remove, options);
    });
}

function kindOf({ mine, trip, shared, device }: MarkOptions): { readonly kind: string; readonly value?: string } {
  if (mine !== undefined) return { kind: "mine", value: mine };
  if (trip !== undefined) return { kind: "trip", value: trip };
  if (shared === true) return { kind: "shared" };
  if (device === true) return { kind: "device" };
  throw usageProblem("accounts mark", "no mark is named", "one of --mine, --trip, --shared, --device");
}

async function mark(body: object, isTakenBack: boolean, options: GlobalOptions): Promise<void> {
  const terminal = new Terminal(options);
  const answer = await (await Client.open(options)).post<MarkAnswer>("/accounts/mark", { ...body, by: callerName() });
  if (terminal.json) return terminal.printJson(answer);
  if (answer.changed.length === 0) return terminal.line("nothing to change");
  const would = answer.dry_run ? "would be " : "";
  const done = isTakenBack ? `${would}taken back` : `${would}marked`;
  for (const { account, kind, value, until } of answer.changed) {
    const end = until === null ? "" : ` until ${terminal.time(until)}`;
    const of = account === "" ? "all accounts" : safeText(account);
    terminal.line(`${done}: ${of} ${kind} ${safeText(value)}${end}`.trimEnd());
  }
}

interface TrustOptions extends DryOptions {
  readonly network?: string;
  readonly until?: string;
  readonly note?: string;
  readonly undo?: boolean;
}

function trustCommand(): Command {
  return new Command("trust")
    .description("never suspects an account, or a network for all accounts")
    .argument("[name]")
    .option("--network <network>", "AS15895, an address or a prefix: nobody is suspected for it")
    .option("--until <time>", "an ISO time, HH:MM, or a duration such as 14d")
    .option("--note <text>", "why")
    .option("--undo", "take the trust away")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta accounts trust scanner@example.org")
    .action(async (account: string | undefined, options: TrustOptions) => {
      const { network, until, note, undo: remove = false, dryRun = false } = options;
      if (account === undefined && network === undefined)
        throw usageProblem("accounts trust", "nothing is named", "an account, or --network");
      const what = network === undefined ? { kind: "trust" } : { kind: "mine", value: network };
      await mark({ account, ...what, until, note, remove, dry_run: dryRun }, remove, options);
    });
}

function eraseCommand(): Command {
  return new Command("erase")
    .description("forgets the history, levels, marks and watch of an account; this cannot be undone")
    .argument("<name>")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta accounts erase olena@example.org --dry-run")
    .action(async (account: string, options: DryOptions) => {
      const terminal = new Terminal(options);
      const body = { account, dry_run: options.dryRun === true, by: callerName() };
      const answer = await (await Client.open(options)).post<EraseAnswer>("/accounts/erase", body);
      if (terminal.json) return terminal.printJson(answer);
      terminal.line(`${answer.dry_run ? "would be " : ""}erased: ${safeText(answer.account)}`);
    });
}

function exportCommand(): Command {
  return new Command("export")
    .description("prints everything that is known of an account as JSON, for its owner")
    .argument("<name>")
    .addHelpText("after", "\nExample:\n  postvarta accounts export olena@example.org > olena.json")
    .action(async (name: string, options: GlobalOptions) => {
      const account = await (await Client.open(options)).get<AccountShown>("/accounts/show", { account: name });
      new Terminal(options).printJson(account);
    });
}
