// Postfix's mynetworks: hosts that may relay through us must never be banned by us.

import { readFile } from "node:fs/promises";
import { type Network, parseNetwork } from "../core/ip.ts";
import type { Tools } from "./firewalls/tools.ts";

/** Of one instance; a list in a file counts by its lines. */
const networksMax = 10_000;

/** Asks postconf, which expands parameters and knows the default. Rejects when it cannot. */
export async function readMynetworks(tools: Tools, directories: readonly string[]): Promise<readonly Network[]> {
  const found: Network[] = [];
  for (const directory of directories) {
    const text = await tools.demand("postconf", ["-c", directory, "-x", "-h", "mynetworks"]);
    found.push(...(await networksOf(text)));
  }
  return found;
}

/** Patterns of postconf(5) mynetworks: `192.0.2.0/24`, `[2001:db8::]/32`, `/path/to/file`, `cidr:/path`. `!` excludes and trusts nobody. */
async function networksOf(text: string): Promise<Network[]> {
  const networks: Network[] = [];
  for (const word of text.split(/[\s,]+/).slice(0, networksMax)) {
    const path = /^(?:cidr:)?(\/.*)$/.exec(word)?.[1];
    if (path !== undefined) networks.push(...(await networksOfFile(path)));
    else networks.push(...plainNetwork(word));
  }
  return networks;
}

async function networksOfFile(path: string): Promise<Network[]> {
  const lines = (await readFile(path, "utf8")).split("\n").slice(0, networksMax);
  return lines.flatMap((line) => plainNetwork(/^[^\s#]+/.exec(line)?.[0] ?? ""));
}

function plainNetwork(word: string): readonly Network[] {
  const network = parseNetwork(word.replace(/^\[(.*)\](\/\d+)?$/, "$1$2"));
  return network === undefined ? [] : [network];
}
