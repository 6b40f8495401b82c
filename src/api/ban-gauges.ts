// Figures of bans: how many stand, and whether the firewall is equal to them.

import type { Metrics } from "../core/metrics.ts";
import { countBans } from "../store/ban-list.ts";
import type { ApiParts } from "./parts.ts";

/** Names them in `metrics`. `parts` undefined serves the reference, which reads none. */
export function addBanGauges(metrics: Metrics, parts: ApiParts | undefined): void {
  const state = () => parts?.banning.state;
  metrics.gauge("postvarta_bans", "Standing bans, enforced or only observed.", async () => {
    if (parts === undefined) return [];
    const { all, enforced } = await countBans(parts.store, parts.clock.now());
    return [
      [{ enforced: "yes" }, enforced],
      [{ enforced: "no" }, all - enforced],
    ];
  });
  metrics.gauge(
    "postvarta_firewall_blocks",
    "Blocks that the bans want, and those that the firewall is known to hold.",
    () => {
      const now = state();
      return now === undefined
        ? []
        : [
            [{ state: "wanted" }, now.wanted],
            [{ state: "verified" }, now.verified],
          ];
    },
  );
  metrics.gauge("postvarta_firewall_working", "1 while the firewall takes what it is told.", () =>
    state()?.error === undefined ? 1 : 0,
  );
  metrics.countersRead(
    "postvarta_firewall_mended_total",
    "How many times what stood in the firewall was not what should.",
    [],
    () => state()?.mended ?? 0,
  );
  metrics.countersRead(
    "postvarta_firewall_connections_total",
    "Live connections of banned addresses, by whether they were cut.",
    ["result"],
    () => {
      const now = state();
      return now === undefined
        ? []
        : [
            [{ result: "cut" }, now.cut],
            [{ result: "left" }, now.notCut],
          ];
    },
  );
}
