// Tells people of a firewall that does not take bans, once each time: not of a stumble, which the next try mends.

import type { Notice } from "../core/notice.ts";
import type { EnforcerState } from "./enforce.ts";

/** Tries with growing pauses come to about this many seconds by the sixth. */
const failingMs = 60_000;

export class FirewallAlarm {
  readonly #tell: (notice: Omit<Notice, "at">) => void;
  readonly #node: string;
  /** Since when each firewall fails, and whether somebody was told. */
  readonly #failing = new Map<string, { readonly since: number; isTold: boolean }>();

  constructor(node: string, tell: (notice: Omit<Notice, "at">) => void) {
    this.#node = node;
    this.#tell = tell;
  }

  /** Called about once a second. */
  look(states: readonly EnforcerState[], now: number): void {
    for (const { firewall, error } of states) {
      if (error === undefined) {
        this.#failing.delete(firewall);
        continue;
      }
      const failing = this.#failing.get(firewall) ?? { since: now, isTold: false };
      this.#failing.set(firewall, failing);
      if (failing.isTold || now - failing.since < failingMs) continue;
      failing.isTold = true;
      const facts = { source: firewall, since: new Date(failing.since).toISOString(), error, node: this.#node };
      this.#tell({ kind: "firewall_failing", severity: "critical", subject: firewall, facts });
    }
  }
}
