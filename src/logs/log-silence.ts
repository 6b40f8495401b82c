// A watch for the silent log: Postfix asks us, so it works, and none of its lines arrives. Then syslog is dead, the path is
// wrong, or we may not read; whoever counts failures would see none.

import type { Log } from "../core/log.ts";
import type { Notice } from "../core/notice.ts";
import type { LogsReport } from "./worker-words.ts";

/** A mail server that asks has a line within seconds. */
const silentMs = 600_000;
/** One question alone may be somebody's test. */
const questionsMin = 10;

export interface Seen extends Pick<LogsReport, "counts" | "sources"> {
  /** Questions of Postfix since the start. */
  readonly asked: number;
}

export class LogSilence {
  readonly #log: Log;
  readonly #startedAt: number;
  readonly #tell: (notice: Omit<Notice, "at">) => void;
  /** Questions that had been asked when the last line came. */
  #askedThen = 0;
  #lastMailAt = 0;
  #isSilent = false;

  /** `tell` hears of each silence once. */
  constructor(log: Log, now: number, tell: (notice: Omit<Notice, "at">) => void = () => {}) {
    this.#log = log;
    this.#tell = tell;
    this.#startedAt = now;
  }

  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Called every few seconds; tells the log when silence begins and when it ends. */
  look({ counts, sources, asked }: Seen, now: number): void {
    const lastMailAt = Math.max(0, ...counts.map((source) => source.lastMailAt));
    if (lastMailAt > this.#lastMailAt) {
      this.#lastMailAt = lastMailAt;
      this.#askedThen = asked;
    }
    const since = Math.max(this.#lastMailAt, this.#startedAt);
    const isSilent = now - since >= silentMs && asked - this.#askedThen >= questionsMin;
    if (isSilent && !this.#isSilent) {
      const troubles = sources
        .flatMap((source) => source.troubles)
        .slice(0, 3)
        .join("; ");
      const minutes = Math.round((now - since) / 60_000);
      this.#log.error("logs.silent", { minutes, questions: asked - this.#askedThen, troubles: troubles || undefined });
      const source = sources.map(({ name }) => name).join(", ");
      const facts = { since: `${minutes} min`, source, ...(troubles === "" ? {} : { error: troubles }) };
      this.#tell({ kind: "logs_silent", severity: "critical", subject: source, facts });
    }
    if (!isSilent && this.#isSilent) this.#log.info("logs.heard-again", {});
    this.#isSilent = isSilent;
  }
}
