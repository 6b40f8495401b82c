// `ip ADDRESS`: everything that is known of an address.

import { Command } from "commander";
import type { IpAnswer } from "../../api/contract-bans.ts";
import { readConfig } from "../../config/config.ts";
import { parseIp, printIp } from "../../core/ip.ts";
import { networkCacheDirectory } from "../../networks/embedded.ts";
import { openNetworks } from "../../networks/networks.ts";
import { Client } from "../client.ts";
import type { GlobalOptions } from "../global-options.ts";
import { safeText } from "../safe-text.ts";
import { Terminal } from "../terminal.ts";

export function ipCommand(): Command {
  return new Command("ip")
    .description("prints what is known of an address: bans, trust, network, past bans with their lines, refused mail")
    .argument("<address>", "an address or a network")
    .addHelpText("after", "\nExample:\n  postvarta ip 192.0.2.7")
    .action(show);
}

async function show(text: string, options: GlobalOptions): Promise<void> {
  const terminal = new Terminal(options);
  const answer = await (await Client.open(options)).get<IpAnswer>("/ip", { address: text });
  const network = await networkOf(answer.address, options);
  if (terminal.json) return terminal.printJson({ ...answer, network });
  terminal.line(safeText(`${answer.address}${network === null ? "" : `: ${network.text}`}`));
  terminal.line(answer.trusted === null ? "not trusted" : safeText(`trusted: ${answer.trusted}`));
  for (const { address, jail, until, reason, enforce } of answer.bans) {
    const end = until === null ? "for good" : `until ${terminal.time(until)}`;
    terminal.line(safeText(`banned ${end}: ${address} (${jail})${enforce ? "" : ", only observed"} ${reason}`));
  }
  if (answer.bans.length === 0) terminal.line("not banned");
  const past = answer.history.filter(({ standing }) => !standing);
  for (const { from, jail, address, reason, ended } of past) {
    const end = ended === null ? "" : `, ended by ${ended.by}`;
    terminal.line(safeText(`was banned ${terminal.time(from)}: ${address} (${jail})${end} ${reason}`));
  }
  for (const { at, verdict, rule, account, text: said } of answer.decisions) {
    terminal.line(safeText(`${terminal.time(at)} ${verdict} by ${rule}${account && ` for ${account}`}: ${said}`));
  }
}

async function networkOf(address: string, options: GlobalOptions) {
  const ip = parseIp(address);
  if (ip === undefined) return null;
  const { networks } = readConfig({ file: options.config, environment: process.env }).config;
  const { book } = await openNetworks(networks, networkCacheDirectory(process.env));
  const found = book.find(printIp(ip));
  if (found === undefined) return null;
  const name = found.asn === undefined ? null : (book.nameOf(found.asn) ?? null);
  const { asn = null, country, kind } = found;
  const words = [asn === null ? "" : `AS${asn}`, name ?? "", country, kind].filter((word) => word !== "");
  return { asn, name, country: country === "" ? null : country, kind, text: words.join(", ") };
}
