// The systemd journal, read by its own tool: `journalctl` follows it and prints an entry a line. Its cursor is the place.

import { type ChildProcess, spawn } from "node:child_process";
import { type JournalPlace, parseJournalPlace } from "../place.ts";
import {
  type Piece,
  pieceBytesMax,
  type Source,
  type SourceHost,
  type SourcePlug,
  type SourceReport,
} from "../source.ts";
import { WholeLines } from "../whole-lines.ts";
import { type JournalMark, readMark } from "./journal-mark.ts";

export interface JournalSettings {
  readonly from: "end" | "start";
}

export const journalSource: SourcePlug<JournalSettings> = {
  kind: "journal",
  help: "Follows the systemd journal with journalctl.",
  create: (settings, host) => new JournalSource(settings, host),
};

/** --all: without it a field longer than 4096 bytes is printed as null (journalctl(1)). */
const fixedArguments = [
  "--follow",
  "--output=json",
  "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM,_TRANSPORT",
  "--all",
  "--quiet",
  "--no-pager",
];

/** Bytes that wait to be taken; journalctl waits meanwhile. */
const waitingBytesMax = 1024 * 1024;
const complaintBytesMax = 2_000;
const backOffMsMin = 1_000;
const backOffMsMax = 60_000;
/** One that lived this long was no failed start. */
const steadyMs = 30_000;
const key = "cursor";

class JournalSource implements Source {
  readonly hasExactTimes = true;
  readonly name = "journal";
  readonly #from: "end" | "start";
  readonly #host: SourceHost;
  #place: JournalPlace | undefined;
  #child: ChildProcess | undefined;
  #lines = new WholeLines();
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #complaint = "";
  #startedAt = 0;
  #backOffMs = backOffMsMin;
  #restart: NodeJS.Timeout | undefined;
  /** Entries up to this time were read before the cursor was lost, or are older than the beginning. */
  #seenUntilUs = 0;
  #cursorIsGone = false;
  #trouble: string | undefined;
  #skipped = 0;
  #lost = 0;
  #wake: () => void = () => {};
  #closed = false;

  constructor({ from }: JournalSettings, host: SourceHost) {
    this.#from = from;
    this.#host = host;
    const saved = host.places.find((place) => place.source === "journal" && place.key === key);
    this.#place = saved === undefined ? undefined : parseJournalPlace(saved.body);
  }

  async start(wake: () => void): Promise<void> {
    this.#wake = wake;
    this.#spawn();
  }

  take(): Piece | undefined {
    const bytes = this.#waiting.shift();
    if (bytes === undefined) return undefined;
    this.#waitingBytes -= bytes.length;
    if (this.#waitingBytes < waitingBytesMax) this.#child?.stdout?.resume();
    const mark = readMark(bytes, this.#seenUntilUs);
    this.#noteLost(mark);
    if (mark.cursor === undefined) return { bytes: mark.bytes, stream: this.name, places: [] };
    this.#place = { cursor: mark.cursor, atUs: mark.atUs };
    this.#cursorIsGone = false;
    if (mark.atUs > this.#seenUntilUs) this.#seenUntilUs = 0;
    return {
      bytes: mark.bytes,
      stream: this.name,
      places: [{ source: "journal", key, body: JSON.stringify(this.#place) }],
    };
  }

  look(): void {}

  report(): SourceReport {
    const at = this.#place === undefined ? "no entry read yet" : new Date(this.#place.atUs / 1000).toISOString();
    return {
      name: this.name,
      kind: "journal",
      reading: [{ what: "journal", at }],
      troubles: this.#trouble === undefined ? [] : [this.#trouble],
      skipped: this.#skipped + this.#lines.skipped,
      lost: this.#lost,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restart);
    this.#child?.kill("SIGKILL");
  }

  #noteLost({ suppressed }: JournalMark): void {
    if (suppressed === 0) return;
    this.#lost += suppressed;
    const hint = "RateLimitBurst= in journald.conf(5), LogRateLimitBurst= of the unit";
    this.#host.log.warn("logs.journal-suppressed", { messages: suppressed, hint });
  }

  /** Also says which entries will have been read already. */
  #arguments(): readonly string[] {
    const place = this.#place;
    if (place !== undefined && !this.#cursorIsGone)
      return [...fixedArguments, "--no-tail", `--after-cursor=${place.cursor}`];
    if (place !== undefined) return [...fixedArguments, "--no-tail", `--since=@${Math.floor(place.atUs / 1e6)}`];
    if (this.#from === "start") return [...fixedArguments, "--no-tail"];
    // The last entry there is, for its cursor: after a stop before the next one, what came meanwhile is read.
    this.#seenUntilUs = this.#host.clock.now() * 1000;
    return [...fixedArguments, "--lines=1"];
  }

  #spawn(): void {
    this.#startedAt = this.#host.clock.now();
    this.#complaint = "";
    this.#skipped += this.#lines.skipped;
    this.#lines = new WholeLines();
    const child = spawn("journalctl", this.#arguments(), { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => this.#see(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      if (this.#complaint.length < complaintBytesMax) this.#complaint += chunk.toString("utf8");
    });
    child.on("error", (error) => {
      this.#complaint = error.message;
      this.#ended(child, null);
    });
    child.on("close", (code) => this.#ended(child, code));
  }

  #see(chunk: Buffer): void {
    this.#trouble = undefined;
    for (let at = 0; at < chunk.length; at += pieceBytesMax) {
      const whole = this.#lines.push(chunk.subarray(at, at + pieceBytesMax));
      if (whole === undefined) continue;
      this.#waiting.push(whole);
      this.#waitingBytes += whole.length;
    }
    if (this.#waitingBytes >= waitingBytesMax) this.#child?.stdout?.pause();
    if (this.#waiting.length > 0) this.#wake();
  }

  /** Starts it again, later each time that it ends at once; without the cursor when that is what it cannot find. */
  #ended(child: ChildProcess, code: number | null): void {
    if (this.#closed || this.#child !== child) return;
    this.#child = undefined;
    const complaint = this.#complaint.trim().split("\n", 1)[0] ?? "";
    if (this.#place !== undefined && !this.#cursorIsGone && code !== 0 && /cursor/i.test(complaint)) {
      this.#cursorIsGone = true;
      this.#seenUntilUs = this.#place.atUs;
      this.#host.log.warn("logs.journal-cursor-gone", {
        continues: "with the oldest entry that was not read",
        complaint,
      });
      this.#spawn();
      return;
    }
    if (this.#host.clock.now() - this.#startedAt >= steadyMs) this.#backOffMs = backOffMsMin;
    this.#trouble = `journalctl ended (${code ?? "killed"})${complaint === "" ? "" : `: ${complaint}`}`;
    this.#host.log.warn("logs.journal-ended", { code: code ?? undefined, complaint, again_ms: this.#backOffMs });
    this.#restart = setTimeout(() => this.#spawn(), this.#backOffMs);
    this.#backOffMs = Math.min(this.#backOffMs * 2, backOffMsMax);
    // What was read goes on from the cursor of the last entry that was taken: the rest comes again.
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}
