// What a pasted line gives away: a reject line of mail.log, a line of ours, the text of a bounce. Whoever asks "why?" pastes
// what they have; from it come the client, sender, recipient, queue id, time and text by which a decision is found.

import { parseIp, printIp } from "../core/ip.ts";
import { emptyHeader, readHeader } from "../logs/header.ts";
import { TimeReader } from "../logs/time.ts";
import type { Zone } from "../logs/zone.ts";

/** Absent is what the text does not say. Addresses in lower case, the time in ms since the epoch. */
export interface Clues {
  readonly ids: readonly string[];
  readonly time?: number;
  readonly client?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly queueId?: string;
  /** The text that we answered, as far as Postfix prints it. */
  readonly text?: string;
}

/** Words that may be ids; a line has a handful. */
const idsMax = 8;

/** Reads what a person pasted; `zone` is that of stamps that name none. */
export function readClues(pasted: string, zone: Zone, now: number): Clues {
  const line = pasted.replace(/\s+/g, " ").trim();
  const client = clientOf(line);
  const found = {
    time: timeOf(line, zone, now),
    client,
    sender: match(line, /\bfrom=<([^<>\s]*)>/)?.toLowerCase() || wordOf(line, "from"),
    recipient: recipientOf(line) || wordOf(line, "to"),
    queueId: queueIdOf(line),
    text: textOf(line),
  };
  const known = Object.entries(found).filter(([, value]) => value !== undefined && value !== "");
  return { ids: idsOf(line), ...Object.fromEntries(known) };
}

/** Numbers of decisions: behind `id=` in our own log, or any word that may be one. */
function idsOf(line: string): readonly string[] {
  const words = line.toUpperCase().match(/(?<![0-9A-Z])[0-9A-HJKMNP-TV-Z]{9,12}(?![0-9A-Z])/g) ?? [];
  return [...new Set(words.filter((word) => word.length === 9 || word.length === 12))].slice(0, idsMax);
}

/** Postfix writes `RCPT from name[address]`; our own log `client=address`. A bounce names the server, not the client. */
function clientOf(line: string): string | undefined {
  const text =
    match(line, /\bfrom [^\s[\]]{1,255}\[([0-9a-fA-F:.]{2,45})\]/) ?? match(line, /\bclient=([0-9a-fA-F:.]+)/);
  const ip = text === undefined ? undefined : parseIp(text);
  return ip === undefined ? undefined : printIp(ip);
}

function recipientOf(line: string): string | undefined {
  const address =
    match(line, /\bto=<([^<>\s]+)>/) ??
    match(line, /<([^<>\s]+@[^<>\s]+)>: (?:Recipient|Sender) address/) ??
    match(line, /^<([^<>\s]+)>: host /);
  return address?.toLowerCase();
}

/** `from=olena@example.org`, as our own log writes it. */
function wordOf(line: string, name: string): string | undefined {
  return match(line, new RegExp(`\\b${name}=([^<>"\\s]+@[^<>"\\s]+)`))?.toLowerCase();
}

/** `NOQUEUE` is none. Our own log writes `queue_id=`. */
function queueIdOf(line: string): string | undefined {
  const written = match(line, /\bqueue_id=([0-9A-Za-z]{5,20})\b/);
  const id =
    written ??
    match(
      line,
      /: ([0-9A-Za-z]{5,20}): (?:milter-)?(?:reject|hold|discard|filter|redirect|prepend|warn|client|to|from)\b/,
    );
  return id === "NOQUEUE" ? undefined : id;
}

/** What stands between Postfix's words and what follows it in a log, or in a bounce. */
function textOf(line: string): string | undefined {
  const said =
    match(line, /(?:address|host|command|data) (?:rejected|triggers [A-Z]+ action): (.{1,500})$/i) ??
    match(line, /triggers [A-Z]+ (.{1,500})$/);
  return said
    ?.replace(/; from=<.*$/, "")
    .replace(/ \(in reply to .*$/, "")
    .trim();
}

function match(line: string, pattern: RegExp): string | undefined {
  return pattern.exec(line)?.[1];
}

/** The stamp of a log line, in whatever form logs have; or the whole text as an ISO time. */
function timeOf(line: string, zone: Zone, now: number): number | undefined {
  const alone = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?$/;
  // A stamp alone is read with something behind it, as lines have.
  const bytes = Buffer.from(alone.test(line) ? `${line.length === 16 ? `${line}:00` : line} x y: z` : line);
  const header = emptyHeader();
  if (!readHeader(bytes, 0, bytes.length, header) || header.timeForm === "none") return undefined;
  const reader = new TimeReader({ zone, year: undefined, now: () => now });
  reader.note(bytes, header);
  const at = reader.at(bytes, header);
  return Number.isFinite(at) ? at : undefined;
}
