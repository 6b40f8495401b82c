// TCP ports as jails name them: numbers, ranges and the names of mail services.

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** In order, without overlaps. */
export type PortList = readonly PortRange[];

/** What one rule of iptables takes (multiport: 15). */
const rangesMax = 15;

/** Names of /etc/services that jails use; asking the system would make the same file mean different ports on two machines. */
const services: Readonly<Record<string, number>> = {
  ...{ ssh: 22, smtp: 25, http: 80, pop3: 110, imap: 143, imap2: 143, imap3: 220, https: 443, smtps: 465, ssmtp: 465 },
  ...{ submissions: 465, urd: 465, submission: 587, imaps: 993, pop3s: 995, sieve: 4190, managesieve: 4190, ftp: 21 },
};

/** `smtp,submission,1000-2000` (also `1000:2000`, as iptables writes it). Undefined when a part is no port. */
export function parsePorts(text: string): PortList | undefined {
  const ranges: PortRange[] = [];
  for (const part of text.split(",")) {
    const range = parseRange(part.trim());
    if (range === undefined || ranges.length === rangesMax) return undefined;
    ranges.push(range);
  }
  return merge(ranges);
}

function parseRange(text: string): PortRange | undefined {
  const [first = "", last = first, ...more] = text.split(/[-:]/);
  const from = parsePort(first);
  const to = parsePort(last);
  return more.length > 0 || from === undefined || to === undefined || from > to ? undefined : { from, to };
}

function parsePort(text: string): number | undefined {
  if (Object.hasOwn(services, text)) return services[text];
  if (!/^[0-9]{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

function merge(ranges: readonly PortRange[]): PortList {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || range.from > last.to + 1) merged.push(range);
    else merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
  }
  return merged;
}

/** `25,465,1000-2000`: equal lists print equally. */
export function printPorts(ports: PortList): string {
  return ports.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(",");
}
