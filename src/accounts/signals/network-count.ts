// The old rule of thumb: more than so many networks in so many days, familiar or not. Counts nothing unless it is given points.

import { finding, type Signal } from "../signal.ts";

export const networkCount: Signal = {
  name: "network_count",
  about: "deeds",
  help: "More than a number of distinct networks within a number of days, familiar or not. Off unless given points.",
  judge({ account, settings }) {
    const { networks, days, points } = settings.networkCount;
    if (points === 0) return undefined;
    const used = account.networks.filter((use) => account.day - use.lastDay < days).length;
    return used > networks ? finding(points, () => `${used} networks within ${days} days`) : undefined;
  },
};
