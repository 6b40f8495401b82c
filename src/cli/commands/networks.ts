// `networks`: what an address belongs to, and how old the data are that say so. Needs no daemon.

import { Command } from "commander";
import { parseIp, printIp } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import { networkCacheDirectory, openEmbeddedNetworks } from "../../networks/embedded.ts";
import { exitCodes } from "../exit-code.ts";

interface PrintOptions {
  readonly json?: boolean;
}

/** The command `networks` with its verbs. */
export function networksCommand(): Command {
  const lookup = new Command("lookup")
    .description("print the system, its name, the registered country and the kind of an address's network")
    .argument("<address>", "an IPv4 or IPv6 address")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  postvarta networks lookup 8.8.8.8")
    .action((address: string, options: PrintOptions) => lookUp(address, options));
  const status = new Command("status")
    .description("print how old the data about networks are")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  postvarta networks status")
    .action((options: PrintOptions) => printStatus(options));
  return new Command("networks").description("what an address belongs to").addCommand(lookup).addCommand(status);
}

async function lookUp(text: string, options: PrintOptions): Promise<void> {
  const ip = parseIp(text);
  if (ip === undefined) {
    throw new Problem(`${text} is no address`, {
      code: "usage",
      where: "networks lookup",
      hint: "192.0.2.1 or 2001:db8::1",
    });
  }
  const { book, statusAt } = await openEmbeddedNetworks(networkCacheDirectory(process.env));
  const address = printIp(ip);
  const found = book.find(address);
  const asn = found?.asn ?? null;
  const name = asn === null ? null : book.nameOf(asn);
  const country = found === undefined || found.country === "" ? null : found.country;
  const kind = found?.kind ?? "access";
  const { asOf, stale, attribution } = statusAt(Date.now());
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ address, asn, name, country, kind, asOf, stale, attribution })}\n`);
  } else if (kind === "reserved") {
    process.stdout.write(`${address}: reserved, announced by nobody\n`);
  } else {
    const system = asn === null ? "announced by nobody known" : `AS${asn} ${name}`;
    const registered = country === null ? "no country known" : `registered for ${country}`;
    process.stdout.write(`${address}: ${system}, ${registered}, ${kind}\n(${asOf}) ${attribution}\n`);
  }
  if (asn === null && kind !== "reserved") process.exitCode = exitCodes.nothing;
}

async function printStatus(options: PrintOptions): Promise<void> {
  const { statusAt } = await openEmbeddedNetworks(networkCacheDirectory(process.env));
  const status = statusAt(Date.now());
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(status)}\n`);
    return;
  }
  const warning = status.stale ? "\nThey are older than 90 days: blocks of addresses have changed hands since." : "";
  process.stdout.write(
    `${status.ranges} ranges of ${status.asOf}, ${status.ageDays} days old; lists of ${status.listsAsOf}${warning}\n${status.attribution}\n`,
  );
}
