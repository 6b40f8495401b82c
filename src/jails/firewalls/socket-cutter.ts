// Ends live connections through the kernel's socket list (ss, sock_diag(7)): a rule alone leaves an open session, and its smtpd, until
// it times out. Only connections that came to a port we listen on: mail that we send to the same machine goes on.

import type { Block, CutReport } from "../../core/firewall.ts";
import { contains, type Ip, parseIp, printIp, printNetwork } from "../../core/ip.ts";
import { lookUntilGone } from "../../core/look-until-gone.ts";
import type { Tools } from "./tools.ts";

/** Addresses in one call: its arguments have a limit. */
const blocksPerCall = 100;

/** Ends what it can; a second look says what is left, because `ss -K` tells errors where it succeeds and the other way round. */
export async function cutConnections(tools: Tools, blocks: readonly Block[]): Promise<CutReport> {
  const ports = await listeningPorts(tools);
  let cut = 0;
  let left = 0;
  for (let at = 0; at < blocks.length; at += blocksPerCall) {
    const part = blocks.slice(at, at + blocksPerCall);
    const before = await findConnections(tools, part, ports);
    if (before.length === 0) continue;
    await tools.run("ss", ["-H", "-n", "-t", "-K", "state", "connected", ...filterOf(before)]);
    const after = await lookUntilGone(() => findConnections(tools, part, ports));
    cut += before.length - after.length;
    left += after.length;
  }
  return { cut, left };
}

interface Connection {
  readonly localPort: number;
  /** A mapped IPv4 is IPv4: ss finds both by it. */
  readonly peer: Ip;
}

async function findConnections(
  tools: Tools,
  blocks: readonly Block[],
  listening: ReadonlySet<number>,
): Promise<Connection[]> {
  const around = blocks.flatMap(({ address }, i) => [...(i === 0 ? [] : ["or"]), "dst", printNetwork(address)]);
  const text = await tools.demand("ss", ["-H", "-n", "-t", "state", "connected", "(", ...around, ")"]);
  return text.split("\n").flatMap((line) => {
    const connection = parseLine(line);
    if (connection === undefined || !listening.has(connection.localPort)) return [];
    return blocks.some((block) => isHit(block, connection)) ? [connection] : [];
  });
}

function isHit({ address, ports }: Block, { peer, localPort }: Connection): boolean {
  if (!contains(address, peer)) return false;
  return ports === undefined || ports.some(({ from, to }) => from <= localPort && localPort <= to);
}

function filterOf(connections: readonly Connection[]): string[] {
  const texts = new Set(connections.map(({ peer, localPort }) => `${printIp(peer)} ${localPort}`));
  const each = [...texts].slice(0, blocksPerCall).flatMap((text, i) => {
    const [peer = "", port] = text.split(" ");
    return [...(i === 0 ? [] : ["or"]), "(", "dst", peer, "and", "sport", "=", `:${port}`, ")"];
  });
  return ["(", ...each, ")"];
}

/** `STATE RECV SEND LOCAL:PORT PEER:PORT …`, addresses of IPv6 in brackets. */
function parseLine(line: string): Connection | undefined {
  const [local, peerAndPort] = line
    .trim()
    .split(/\s+/)
    .slice(-5)
    .filter((word) => /:\d+$/.test(word));
  const localPort = Number(/:(\d+)$/.exec(local ?? "")?.[1]);
  const peerText = /^\[?([^\]]*?)\]?:\d+$/.exec(peerAndPort ?? "")?.[1];
  const peer = peerText === undefined ? undefined : parseIp(peerText);
  return peer === undefined || !Number.isInteger(localPort) ? undefined : { localPort, peer };
}

async function listeningPorts(tools: Tools): Promise<ReadonlySet<number>> {
  const text = await tools.demand("ss", ["-H", "-n", "-t", "-l"]);
  const ports = text.split("\n").flatMap((line) => /:(\d+)\s+\S+:\*/.exec(line)?.[1] ?? []);
  return new Set(ports.map(Number));
}
