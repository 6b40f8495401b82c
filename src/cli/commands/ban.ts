// `ban`, `unban`, `bans`: who is kept away. Work while no daemon runs too; then the firewall hears of it at the next start.

import { Command } from "commander";
import type { BanAnswer, BanChangeAnswer, BanPage } from "../../api/contract-bans.ts";
import type { Ban } from "../../core/ban.ts";
import { printNetwork } from "../../core/ip.ts";
import { printPorts } from "../../core/port-list.ts";
import { Problem } from "../../core/problem.ts";
import { manualForDefault, orderBans, orderUnban } from "../../jails/ban-orders.ts";
import { listBans } from "../../store/ban-list.ts";
import { callerFields, type OfflineHouse, offlineAuthor, throughDaemonOr } from "../ban-caller.ts";
import { Client } from "../client.ts";
import { exitCodes } from "../exit-code.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface BanOptions extends GlobalOptions {
  readonly for?: string;
  readonly jail?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

interface UnbanOptions extends GlobalOptions {
  readonly all?: boolean;
  readonly jail?: string;
  readonly trust?: string;
  readonly dryRun?: boolean;
}

const pageRows = 500;

export function banCommand(): Command {
  return new Command("ban")
    .description("bans addresses or networks; what is trusted is refused")
    .argument("<addresses...>", "such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64")
    .option("--for <duration>", `1h, 7d or forever (default: ${manualForDefault})`)
    .option("--jail <name>", "in whose name (default: manual)")
    .option("--reason <text>", "kept with the ban")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta ban 192.0.2.7 --for 7d --reason 'spam run of Tuesday'")
    .action(ban);
}

async function ban(addresses: readonly string[], options: BanOptions): Promise<void> {
  const { jail, reason = "", dryRun = false } = options;
  const order = { addresses, jail, reason };
  const body = { ...order, for: options.for, dry_run: dryRun, ...callerFields() };
  const answer = await throughDaemonOr(
    options,
    async () => (await Client.open(options)).post<BanChangeAnswer>("/bans/add", body),
    async (house) => {
      const author = await offlineAuthor(house, dryRun);
      const trust = house.banning.trust.check;
      const given = { ...order, for: options.for ?? manualForDefault, dryRun };
      const outcomes = await orderBans(
        { store: house.store, trust, node: house.node, enforce: house.enforces },
        given,
        author,
      );
      return {
        dry_run: dryRun,
        bans: outcomes.flatMap((one) => (one.outcome === "trusted" ? [] : [viewOf(one.ban)])),
        refused: outcomes.flatMap((one) => {
          return one.outcome === "trusted" ? [{ address: printNetwork(one.wanted.address), why: one.why }] : [];
        }),
      };
    },
  );
  printChange(answer, "banned", options);
  if (answer.refused.length > 0) process.exitCode = exitCodes.refused;
}

export function unbanCommand(): Command {
  return new Command("unban")
    .description("ends bans of addresses and of networks around or inside them, and forgets their failures")
    .argument("[addresses...]", "such as 192.0.2.7 or 192.0.2.0/24")
    .option("--all", "every ban")
    .option("--jail <name>", "only this jail's")
    .option("--trust <duration>", "and trust the addresses that long: nothing bans them meanwhile")
    .option("--dry-run", "say what would change, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta unban 192.0.2.7 --trust 24h")
    .action(unban);
}

async function unban(addresses: readonly string[], options: UnbanOptions): Promise<void> {
  const { all = false, jail, trust, dryRun = false } = options;
  if (all === addresses.length > 0) throw new Problem("name addresses, or --all", { code: "usage", where: "unban" });
  const body = { addresses, all, jail, trust, dry_run: dryRun, ...callerFields() };
  const answer = await throughDaemonOr(
    options,
    async () => (await Client.open(options)).post<BanChangeAnswer>("/bans/remove", body),
    async (house) => {
      const author = await offlineAuthor(house, dryRun);
      const removed = await orderUnban(
        house.store,
        { addresses: all ? "all" : addresses, jail, trust, dryRun },
        author,
      );
      return { dry_run: dryRun, bans: removed.map(viewOf), refused: [] };
    },
  );
  printChange(answer, "unbanned", options);
  if (answer.bans.length === 0 && trust === undefined && !all) process.exitCode = exitCodes.nothing;
}

function printChange(answer: BanChangeAnswer, done: string, options: GlobalOptions): void {
  const terminal = new Terminal(options);
  if (terminal.json) return terminal.printJson(answer);
  const would = answer.dry_run ? "would be " : "";
  for (const { address, jail, until } of answer.bans) {
    const end = done === "banned" ? ` until ${until === null ? "somebody unbans it" : terminal.time(until)}` : "";
    terminal.line(safeText(`${would}${done}: ${address} (${jail})${end}`));
  }
  for (const { address, why } of answer.refused) terminal.line(safeText(`refused: ${address} is trusted: ${why}`));
  if (answer.bans.length + answer.refused.length === 0) terminal.line("no ban stood there");
}

export function bansCommand(): Command {
  return new Command("bans")
    .description("prints the standing bans, newest first; with --json one object a line")
    .option("--jail <name>", "only this jail's")
    .addHelpText("after", "\nExample:\n  postvarta bans --json | jq -r .address")
    .action(bans);
}

async function bans(options: GlobalOptions & { readonly jail?: string }): Promise<void> {
  const terminal = new Terminal(options);
  const all = await throughDaemonOr(
    options,
    () => readOnline(options),
    (house) => readOffline(house, options.jail),
  );
  if (terminal.json) {
    for (const one of all) process.stdout.write(`${JSON.stringify(one)}\n`);
    return;
  }
  if (all.length === 0) return terminal.line("nobody is banned");
  const rows = all.map(({ address, jail, until, reason, enforce, verified }) => [
    ...[address, jail, until === null ? "for good" : terminal.time(until)],
    enforce ? (verified ? "yes" : "pending") : "observed",
    safeText(reason),
  ]);
  terminal.table(["ADDRESS", "JAIL", "UNTIL", "ENFORCED", "REASON"], rows);
}

async function readOnline(options: GlobalOptions & { readonly jail?: string }): Promise<BanAnswer[]> {
  const client = await Client.open(options);
  const all: BanAnswer[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.get<BanPage>("/bans", { jail: options.jail, cursor });
    all.push(...page.bans);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return all;
}

async function readOffline({ store, now }: OfflineHouse, jail: string | undefined): Promise<BanAnswer[]> {
  const all: Ban[] = [];
  for (;;) {
    const last = all.at(-1);
    const behind =
      last === undefined ? {} : { behind: { from: last.from, address: printNetwork(last.address), jail: last.jail } };
    const page = await listBans(store, { now, limit: pageRows, ...(jail === undefined ? {} : { jail }), ...behind });
    all.push(...page);
    if (page.length < pageRows) return all.map(viewOf);
  }
}

/** Nobody is there who could have verified it. */
function viewOf(one: Ban): BanAnswer {
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ address: printNetwork(one.address), jail: one.jail, from: iso(one.from) },
    ...{ until: one.until === undefined ? null : iso(one.until), reason: one.reason, origin: one.origin },
    ...{ verified: false, enforce: one.enforce, ports: one.ports === undefined ? null : printPorts(one.ports) },
    ...{ count: one.count, node: one.node },
  };
}
