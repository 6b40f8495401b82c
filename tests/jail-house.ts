// The jails over lines without a daemon: the parts of the logs thread as they are, and a clock of the test.

import { configSchema } from "../src/config/sections.ts";
import type { LineBatch } from "../src/core/line-batch.ts";
import { silentLog } from "../src/core/log.ts";
import { JailPart } from "../src/jails/jail-part.ts";
import type { JailsQuestion, JailsReport, JailsStart, JailsWrite } from "../src/jails/jail-words.ts";
import { mildnessOf, ownJailSettings } from "../src/jails/own-settings.ts";
import type { Ticket } from "../src/jails/ticket.ts";
import { LogParts } from "../src/logs/log-parts.ts";

export const jailsBegin = Date.parse("2026-03-01T12:00:00Z");

export interface JailHouseOptions {
  /** What stands in `[jails]`. */
  readonly jails?: Readonly<Record<string, unknown>>;
  readonly start?: Partial<JailsStart>;
}

/** What the own jails start from by a configuration. */
export function jailsStart({ jails = {}, start = {} }: JailHouseOptions = {}): JailsStart {
  const config = configSchema.parse({ jails });
  return {
    now: jailsBegin,
    own: ownJailSettings(config.jails),
    mildness: mildnessOf(config.jails),
    accounts: { defaultDomain: "", aliases: [] },
    quotaTexts: ["LIMIT AT QUOTAUSE"],
    trusted: config.jails.trust.addresses.length === 0 ? [] : [{ network: "127.0.0.0/8", until: undefined }],
    failures: [],
    logins: [],
    bans: [],
    failingMax: config.jails.failing_max,
    fail2ban: { directory: config.jails.fail2ban, method: config.jails.counting },
    ...start,
  };
}

export class JailHouse {
  now = jailsBegin;
  isLive = true;
  stream = "/var/log/mail.log";
  readonly part: JailPart;
  readonly writes: JailsWrite[] = [];
  readonly #parts: LogParts;

  constructor(options: JailHouseOptions = {}) {
    this.part = new JailPart(jailsStart(options));
    this.#parts = new LogParts(new Map([["jails", this.part]]), () => this.now, silentLog);
  }

  /** Messages of this moment behind a header of syslog; or `{ at, line }` with an own stamp in ms. */
  see(...messages: readonly (string | { readonly at: number; readonly message: string })[]): void {
    const lines = messages.map((one) =>
      typeof one === "string" ? stamped(this.now, one) : stamped(one.at, one.message),
    );
    this.seeLines(...lines);
  }

  seeLines(...lines: readonly string[]): void {
    const writes = this.#parts.see(batchOf(lines, { stream: this.stream, readAt: this.now, isLive: this.isLive }));
    for (const { part, body } of writes) if (part === "jails") this.writes.push(body as JailsWrite);
  }

  ask(question: JailsQuestion): unknown {
    return this.part.answer(question);
  }

  get report(): JailsReport {
    return this.part.report();
  }

  get tickets(): readonly Ticket[] {
    return this.writes.flatMap((write) => (write.kind === "ticket" ? [write.ticket] : []));
  }

  /** `192.0.2.7 wrong-password`, in the order of the tickets. */
  get banned(): readonly string[] {
    return this.tickets.map(({ id, jail }) => `${id} ${jail}`);
  }
}

function stamped(at: number, message: string): string {
  return `${new Date(at).toISOString().replace("Z", "+00:00")} mx1 ${message}`;
}

function batchOf(lines: readonly string[], more: { stream: string; readAt: number; isLive: boolean }): LineBatch {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const starts = new Int32Array(lines.length);
  const ends = new Int32Array(lines.length);
  let at = 0;
  for (const [i, line] of lines.entries()) {
    starts[i] = at;
    at += Buffer.byteLength(line);
    ends[i] = at;
    at++;
  }
  return { source: more.stream, bytes, starts, ends, count: lines.length, skipped: 0, isReplay: false, ...more };
}
