// The jails over one log in a program of their own, as the logs thread has them: what the owner of the jails would hand over is read
// from a file, and no more is loaded than the thread loads. `jail-reading.mjs MODE START LOG NOW RESULT`, or `million START`.

import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { silentLog } from "../src/core/log.ts";
import type { SeenLines } from "../src/core/log-part.ts";
import { JailPart } from "../src/jails/jail-part.ts";
import type { JailsStart } from "../src/jails/jail-words.ts";
import { LineTable } from "../src/logs/line-table.ts";
import { LogParts } from "../src/logs/log-parts.ts";
import { pieceBytesMax } from "../src/logs/source.ts";

/** What the reading says of itself. */
export interface Reading {
  /** Of all threads, without the start. */
  readonly cpuMs: number;
  readonly lines: number;
}

const [word = "", startFile = "", ...rest] = process.argv.slice(2);
const start = JSON.parse(readFileSync(startFile, "utf8")) as JailsStart;
if (word === "million") failMillion(start);
else readLog({ events: word.startsWith("own"), isLive: word.endsWith("live") }, start, rest);

/** Pieces, lines, then what looks at them. `events`: what the lines say is read too, which own jails live on. */
function readLog(
  { events, isLive }: { events: boolean; isLive: boolean },
  start: JailsStart,
  [path = "", end = "0", result = ""]: string[],
): void {
  const now = Number(end);
  const part = new JailPart({ ...start, now });
  const parts = new LogParts(new Map([["jails", part]]), () => now, silentLog);
  const table = new LineTable();
  const before = process.cpuUsage();
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(pieceBytesMax);
  let lines = 0;
  for (let at = 0; ; ) {
    const length = readSync(file, buffer, 0, pieceBytesMax, at);
    const end = buffer.subarray(0, length).lastIndexOf(10) + 1;
    if (end === 0) break;
    at += end;
    const piece = { bytes: buffer.subarray(0, end), stream: path, places: [] };
    const batch = table.batchOf(path, piece, { readAt: now, isLive, isReplay: false });
    lines += batch.count;
    if (events) parts.see(batch);
    else part.see({ batch, events: [], refused: [] } satisfies SeenLines);
  }
  closeSync(file);
  const { user, system } = process.cpuUsage(before);
  if (result !== "") writeFileSync(result, JSON.stringify({ cpuMs: (user + system) / 1000, lines } satisfies Reading));
  else console.log(part.report().jails.map(({ name, counts }) => `${name} ${counts.failures} ${counts.tickets}`));
}

/** Each address fails once. */
function failMillion(start: JailsStart): void {
  const now = Date.now();
  const part = new JailPart({ ...start, now });
  const parts = new LogParts(new Map([["jails", part]]), () => now, silentLog);
  const table = new LineTable();
  const stamp = new Date(now).toISOString().replace("Z", "+00:00");
  for (let first = 0; first < 1_000_000; first += 1_000) {
    let text = "";
    for (let n = first; n < first + 1_000; n++) {
      const ip = `${11 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.7`;
      text += `${stamp} mx1 postfix/smtpd[7]: warning: unknown[${ip}]: SASL LOGIN authentication failed: x, sasl_username=u${n % 500}\n`;
    }
    const piece = { bytes: Buffer.from(text), stream: "s", places: [] };
    parts.see(table.batchOf("s", piece, { readAt: now, isLive: true, isReplay: false }));
  }
  const failing = part.report().jails.map(({ name, failing: count }) => `${name} ${count}`);
  console.error(`failing: ${failing.join(", ")}`);
}
