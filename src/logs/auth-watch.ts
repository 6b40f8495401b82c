// A watch for the password service: when nobody's password can be looked at, customers call. Nobody is banned for it (mail/auth-outage.ts).

import type { Log } from "../core/log.ts";
import type { Notice } from "../core/notice.ts";
import type { SourceCounts } from "./mail-counts.ts";

/** More clients than this, in a minute and without one login. */
const clientsMin = 20;

/** True when nobody's password can be looked at, by what one log says. */
export function isAuthDown({ unchecked }: Pick<SourceCounts, "unchecked">): boolean {
  return unchecked > clientsMin;
}

/** A service that comes and goes is told of once. */
const calmMs = 600_000;

export class AuthWatch {
  readonly #log: Log;
  readonly #tell: (notice: Omit<Notice, "at">) => void;
  #downAt: number | undefined;

  /** `tell` hears of each outage once. */
  constructor(log: Log, tell: (notice: Omit<Notice, "at">) => void) {
    this.#log = log;
    this.#tell = tell;
  }

  /** Called every few seconds; `now` in ms. */
  look(counts: readonly Pick<SourceCounts, "name" | "unchecked">[], now: number): void {
    const worst = counts.reduce((one, other) => (other.unchecked > one.unchecked ? other : one), {
      name: "",
      unchecked: 0,
    });
    if (isAuthDown(worst)) {
      if (this.#downAt === undefined) this.#begin(worst.name, worst.unchecked);
      this.#downAt = now;
    } else if (this.#downAt !== undefined && now - this.#downAt >= calmMs) {
      this.#downAt = undefined;
      this.#log.info("auth.heard-again", {});
    }
  }

  #begin(source: string, clients: number): void {
    this.#log.error("auth.down", { source, clients });
    this.#tell({
      kind: "auth_down",
      severity: "critical",
      subject: source,
      facts: { addresses: String(clients), source },
    });
  }
}
