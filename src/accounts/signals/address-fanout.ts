// One account from many unrelated addresses within an hour.

import { finding, type Signal } from "../signal.ts";

export const addressFanout: Signal = {
  name: "address_fanout",
  about: "whereabouts",
  help: "Many different /24 or /48 of unfamiliar networks, which few others of the site use, within an hour.",
  judge({ unfamiliar, settings, site, at, novelty }) {
    const { withinMs, some, many, points, manyPoints } = settings.addressFanout;
    if (unfamiliar.length < some) return undefined;
    const prefixes = new Set<number>();
    for (const { from, at: when } of unfamiliar) {
      if (at - when <= withinMs && !site.isPopularNetwork(from.network)) prefixes.add(from.prefix);
    }
    if (prefixes.size < some) return undefined;
    return finding(
      (prefixes.size >= many ? manyPoints : points) * novelty,
      () => `${prefixes.size} unrelated addresses within an hour`,
    );
  },
};
