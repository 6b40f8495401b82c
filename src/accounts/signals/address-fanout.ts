// One account from many unrelated addresses within an hour.

import { finding, type Signal } from "../signal.ts";

/** Prefixes that one network may add. */
const relatedMax = 2;

export const addressFanout: Signal = {
  name: "address_fanout",
  about: "whereabouts",
  help: "Many different /24 or /48 of unfamiliar networks, which few others of the site use, within an hour.",
  judge({ unfamiliar, settings, site, at, novelty }) {
    const { withinMs, some, many, points, manyPoints } = settings.addressFanout;
    if (unfamiliar.length < some) return undefined;
    const prefixes = new Set<number>();
    // A carrier hands its phones addresses from everywhere in its space: those are related.
    const byNetwork = new Map<number, number>();
    for (const { from, at: when } of unfamiliar) {
      if (at - when > withinMs || prefixes.has(from.prefix) || site.isPopularNetwork(from.network)) continue;
      const related = byNetwork.get(from.network) ?? 0;
      byNetwork.set(from.network, related + 1);
      if (related < relatedMax) prefixes.add(from.prefix);
    }
    if (prefixes.size < some) return undefined;
    return finding(
      (prefixes.size >= many ? manyPoints : points) * novelty,
      () => `${prefixes.size} unrelated addresses within an hour`,
    );
  },
};
