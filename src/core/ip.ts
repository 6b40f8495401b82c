// Addresses and networks, parsed strictly and printed by ourselves: what goes to a firewall, a key or a page went through here.

/** An IPv4 or IPv6 address as 32-bit words, most significant first; IPv4 uses the first only. */
export interface Ip {
  readonly family: 4 | 6;
  readonly words: readonly [number, number, number, number];
}

/** An address with the host bits nought, and the prefix length in bits. */
export interface Network {
  readonly ip: Ip;
  readonly length: number;
}

/**
 * Plain IPv4 in four decimal parts without leading noughts, or IPv6 (RFC 4291, 2.2) without a zone.
 * A mapped IPv4 (::ffff:a.b.c.d) is the IPv4 address. Everything else is undefined.
 */
export function parseIp(text: string): Ip | undefined {
  if (text.length > 45) return undefined;
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Ip | undefined {
  let word = 0;
  let part = -1;
  let parts = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 46;
    if (c === 46) {
      if (part < 0 || part > 255) return undefined;
      word = word * 256 + part;
      parts++;
      part = -1;
    } else if (c >= 48 && c <= 57) {
      if (part === 0) return undefined;
      part = part < 0 ? c - 48 : part * 10 + c - 48;
    } else return undefined;
  }
  return parts === 4 ? { family: 4, words: [word, 0, 0, 0] } : undefined;
}

function parseIpv6(text: string): Ip | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(Math.max(0, missing)).fill(0), ...tail];
  const word = (i: number) => ((groups[i] ?? 0) * 0x10000 + (groups[i + 1] ?? 0)) >>> 0;
  const words = [word(0), word(2), word(4), word(6)] as const;
  if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return { family: 4, words: [words[3], 0, 0, 0] };
  return { family: 6, words };
}

/** Sixteen-bit groups between colons; the last may be a dotted IPv4 where `dotted` allows. */
function parseGroups(text: string, dotted: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const pieces = text.split(":");
  for (const [i, piece] of pieces.entries()) {
    if (dotted && i === pieces.length - 1 && piece.includes(".")) {
      const v4 = parseIpv4(piece);
      if (v4 === undefined) return undefined;
      groups.push(v4.words[0] >>> 16, v4.words[0] & 0xffff);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(piece)) return undefined;
      groups.push(Number.parseInt(piece, 16));
    }
  }
  return groups.length <= 8 ? groups : undefined;
}

/** Canonical text: dotted IPv4, IPv6 by RFC 5952. */
export function printIp(ip: Ip): string {
  if (ip.family === 6) return printIpv6(ip);
  const word = ip.words[0];
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

function printIpv6(ip: Ip): string {
  const groups = ip.words.flatMap((word) => [word >>> 16, word & 0xffff]);
  const [start, length] = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  for (let i = 0; i < groups.length; i++) {
    let end = i;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - i > best[1]) best = [i, end - i];
    if (end > i) i = end;
  }
  return best;
}

/** Bits of an address of this family. */
export function widthOf(ip: Ip): 32 | 128 {
  return ip.family === 4 ? 32 : 128;
}

/** The network of `length` bits around `ip`, host bits nought. `length` must be within the family's width. */
export function networkOf(ip: Ip, length: number): Network {
  const keep = (word: number, index: number) => {
    const bits = length - index * 32;
    if (bits <= 0) return 0;
    return bits >= 32 ? word : (word & (0xffffffff << (32 - bits))) >>> 0;
  };
  const [a, b, c, d] = ip.words;
  return { ip: { family: ip.family, words: [keep(a, 0), keep(b, 1), keep(c, 2), keep(d, 3)] }, length };
}

/** `address` (a host), or `address/length`; host bits are cleared. A mapped IPv4 network keeps its IPv4 length (length - 96). */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf("/");
  const ip = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (ip === undefined) return undefined;
  if (slash < 0) return { ip, length: widthOf(ip) };
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return undefined;
  const mapped = ip.family === 4 && text.includes(":");
  const length = Number(digits) - (mapped ? 96 : 0);
  return length >= 0 && length <= widthOf(ip) ? networkOf(ip, length) : undefined;
}

/** `192.0.2.0/24`; a host prints without its length. */
export function printNetwork(network: Network): string {
  const text = printIp(network.ip);
  return network.length === widthOf(network.ip) ? text : `${text}/${network.length}`;
}

/** True when `ip` lies in `network`; never across families. */
export function contains(network: Network, ip: Ip): boolean {
  if (network.ip.family !== ip.family) return false;
  for (let i = 0; i < 4; i++) {
    const bits = network.length - i * 32;
    if (bits <= 0) return true;
    const mask = bits >= 32 ? 0xffffffff : 0xffffffff << (32 - bits);
    if ((((ip.words[i] ?? 0) ^ (network.ip.words[i] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(ip: Ip): boolean {
  const [a, b, c, d] = ip.words;
  return ip.family === 4 ? a >>> 24 === 127 : a === 0 && b === 0 && c === 0 && d === 1;
}
