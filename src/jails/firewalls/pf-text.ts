// What pfctl and tcpdrop of FreeBSD say (pfctl(8), pf.conf(5), tcpdrop(8)), and the rules that we give to an anchor.

import { type Ip, type Network, parseIp, parseNetwork } from "../../core/ip.ts";

/** Anchors of ours that a pf.conf may call, the first that it does. The second is the one that Fail2ban's own pf action asks for. */
const anchors: readonly { readonly call: RegExp; readonly anchor: string }[] = [
  { call: /^anchor "postvarta(?:\/\*)?"/m, anchor: "postvarta" },
  { call: /^anchor "f2b\/\*"/m, anchor: "f2b/postvarta" },
];

export function anchorIn(rules: string): string | undefined {
  return anchors.find(({ call }) => call.test(rules))?.anchor;
}

/** A rule that refuses asks the table. */
export function asksTable(rules: string, table: string): boolean {
  return rules.split("\n").some((line) => /^\s*block\b/.test(line) && line.includes(`<${table}>`));
}

/** `persist`: the table stays when its rules are loaded again, with what it holds. */
export function anchorRules(table: string): string {
  return `table <${table}> persist counters\nblock drop in quick from <${table}> to any\n`;
}

export const isEnabled = (info: string): boolean => /^Status: Enabled\b/m.test(info);

/** Reads `-T show`; what is excepted (`!`) is somebody's rule and no block. */
export function readTable(text: string): readonly Network[] {
  return text.split("\n").flatMap((line) => parseNetwork(line.trim()) ?? []);
}

export interface Connection {
  /** Local address and port, foreign address and port, as tcpdrop takes them. */
  readonly words: readonly [string, string, string, string];
  readonly localPort: number;
  readonly peer: Ip;
}

/** Reads `tcpdrop -la`: a command for each connection. */
export function readConnections(text: string): readonly Connection[] {
  return text.split("\n").flatMap((line) => {
    const [program, ...words] = line.trim().split(/\s+/);
    const [local = "", localPort = "", foreign = "", foreignPort = ""] = words;
    const peer = parseIp(foreign);
    const isPort = (port: string) => /^\d{1,5}$/.test(port);
    if (program !== "tcpdrop" || parseIp(local) === undefined || peer === undefined) return [];
    if (words.length !== 4 || !isPort(localPort) || !isPort(foreignPort)) return [];
    return [{ words: [local, localPort, foreign, foreignPort], localPort: Number(localPort), peer }];
  });
}
