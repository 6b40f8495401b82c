// `networks`: what an address belongs to, how old the data are that say so, and newer data. Needs no daemon; a running one takes
// imported data within a minute.

import { setTimeout } from "node:timers/promises";
import { Command } from "commander";
import { type ReadConfig, readConfig } from "../../config/config.ts";
import { steadyClock } from "../../core/clock.ts";
import { parseIp, printIp } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import { networkCacheDirectory } from "../../networks/embedded.ts";
import { importNetworks } from "../../networks/import.ts";
import { type DataStatus, type OpenedNetworks, openNetworks } from "../../networks/networks.ts";
import { askWhois } from "../../networks/registries/ask-registry.ts";
import { Registrations } from "../../networks/registries/registrations.ts";
import { exitCodes } from "../exit-code.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

interface LookupOptions extends GlobalOptions {
  readonly registry?: boolean;
}

interface ImportOptions extends GlobalOptions {
  readonly asOf?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Longer than two registries need at the pace that they are asked. */
const registryMs = 20_000;
const registryStepMs = 500;

/** The command `networks` with its verbs. */
export function networksCommand(): Command {
  const lookup = new Command("lookup")
    .description("print the system, its name, the registered country and the kind of an address's network")
    .argument("<address>", "an IPv4 or IPv6 address")
    .option("--registry", "also ask the registry (whois) for the block's name and owner; takes some seconds")
    .addHelpText("after", "\nExample:\n  postvarta networks lookup 8.8.8.8")
    .action(lookUp);
  const status = new Command("status")
    .description("print how old the data about networks are")
    .addHelpText("after", "\nExample:\n  postvarta networks status")
    .action(printStatus);
  const importFile = new Command("import")
    .description(
      "use a newer file about systems or countries: CSV or MMDB, of MaxMind, DB-IP, IPinfo, ip-location-db, CAIDA",
    )
    .argument("<file>", "plain or .gz")
    .option("--as-of <yyyy-mm-dd>", "the day of the data (default: what the file says, or its own date)")
    .option("--force", "take a file with much less in it than the one in use")
    .option("--dry-run", "read and check the file, and change nothing")
    .addHelpText("after", "\nExample:\n  postvarta networks import GeoLite2-ASN.mmdb")
    .action(importNewer);
  return new Command("networks")
    .description("what an address belongs to")
    .addCommand(lookup)
    .addCommand(status)
    .addCommand(importFile);
}

function settingsOf(options: GlobalOptions): ReadConfig["config"]["networks"] {
  return readConfig({ file: options.config, environment: process.env }).config.networks;
}

function open(options: GlobalOptions): Promise<OpenedNetworks> {
  return openNetworks(settingsOf(options), networkCacheDirectory(process.env));
}

async function lookUp(text: string, options: LookupOptions): Promise<void> {
  const ip = parseIp(text);
  if (ip === undefined) {
    const hint = "192.0.2.1 or 2001:db8::1";
    throw new Problem(`${text} is no address`, { code: "usage", where: "networks lookup", hint });
  }
  const terminal = new Terminal(options);
  const { book, statusAt } = await open(options);
  const address = printIp(ip);
  const found = book.find(address);
  const asn = found?.asn ?? null;
  const name = asn === null ? null : book.nameOf(asn);
  const country = found === undefined || found.country === "" ? null : found.country;
  const kind = found?.kind ?? "access";
  const { systems, countries, attribution, troubles } = statusAt(Date.now());
  for (const trouble of troubles) terminal.remark(safeText(trouble));
  if (asn === null && kind !== "reserved") process.exitCode = exitCodes.nothing;
  const stale = systems.stale || countries.stale;
  const registered = options.registry === true ? await askRegistry(address) : undefined;
  if (terminal.json) {
    const shown = options.registry === true ? { registration: registered ?? null } : {};
    return terminal.printJson({ address, asn, name, country, kind, asOf: systems.asOf, stale, attribution, ...shown });
  }
  if (kind === "reserved") return terminal.line(`${address}: reserved, announced by nobody`);
  const system = asn === null ? "announced by nobody known" : `AS${asn} ${name}`;
  const where = country === null ? "no country known" : `registered for ${country}`;
  terminal.line(safeText(`${address}: ${system}, ${where}, ${kind}`));
  if (registered !== undefined) {
    const { range, name: netname, organisation, registry } = registered;
    terminal.line(
      safeText(`${range}: ${[netname, organisation].filter((one) => one !== "").join(", ")} (${registry})`),
    );
  } else if (options.registry === true) terminal.remark("no registry answered");
  terminal.line(safeText(`(${systems.asOf}) ${attribution}`));
}

interface ShownRegistration {
  readonly range: string;
  readonly name: string;
  readonly organisation: string;
  readonly country: string;
  readonly origins: readonly number[];
  readonly registry: string;
}

/** What the registry says of the address's block; undefined when none answers in time. */
async function askRegistry(address: string): Promise<ShownRegistration | undefined> {
  const registrations = new Registrations({ clock: steadyClock(), ask: askWhois });
  const deadline = Date.now() + registryMs;
  registrations.find(address);
  while (registrations.state.waiting > 0 && Date.now() < deadline) {
    await registrations.work();
    if (registrations.state.waiting > 0) await setTimeout(registryStepMs);
  }
  const found = registrations.find(address);
  if (found === undefined) return undefined;
  const { first, last, ...rest } = found;
  return { range: `${printIp(first)} - ${printIp(last)}`, ...rest };
}

async function printStatus(options: GlobalOptions): Promise<void> {
  const terminal = new Terminal(options);
  const status = (await open(options)).statusAt(Date.now());
  if (terminal.json) return terminal.printJson(status);
  printData(terminal, "systems", status.systems);
  printData(terminal, "countries", status.countries);
  terminal.line(`lists      of ${status.listsAsOf}`);
  for (const trouble of status.troubles) terminal.line(terminal.paint("red", safeText(trouble)));
  terminal.line(status.attribution);
}

function printData(terminal: Terminal, name: string, { source, asOf, ageDays, stale, ranges }: DataStatus): void {
  const count = ranges === 0 ? "" : `, ${ranges} ranges`;
  terminal.line(safeText(`${name.padEnd(9)}  ${source}, of ${asOf}, ${ageDays} days old${count}`));
  if (!stale) return;
  const warning = "older than 90 days: blocks of addresses have changed hands since; postvarta networks import FILE";
  terminal.line(terminal.paint("yellow", `           ${warning}`));
}

async function importNewer(file: string, options: ImportOptions): Promise<void> {
  const terminal = new Terminal(options);
  const { directory } = settingsOf(options);
  const dryRun = options.dryRun === true;
  if (options.asOf !== undefined && !isDay(options.asOf)) {
    throw new Problem(`${options.asOf} is no day`, { code: "usage", where: "--as-of", hint: "2026-11-24" });
  }
  const force = options.force === true;
  const now = Date.now();
  const { ranges: shippedRanges } = (await openNetworks({}, networkCacheDirectory(process.env))).statusAt(now).systems;
  const imported = await importNetworks(file, { directory, now, dryRun, force, shippedRanges, asOf: options.asOf });
  if (terminal.json) return terminal.printJson({ dry_run: dryRun, directory, imported });
  for (const { kind, form, ranges, asOf } of imported) {
    const count = ranges === 0 ? "" : `, ${ranges} ranges`;
    terminal.line(
      `${kind} of ${asOf} (${form}${count}) ${dryRun ? "would be" : "are"} used from ${safeText(directory)}`,
    );
  }
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}
