// Many networks in a day that the account never used on calm days.

import { fewOf, networkText } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const newNetworks: Signal = {
  name: "new_networks",
  about: "whereabouts",
  help: "Several unfamiliar networks within a day; those that many accounts of the site use weigh less.",
  judge({ networks, settings, site, names, novelty }) {
    if (networks.size < 2) return undefined;
    let weight = 0;
    for (const key of networks.keys()) weight += site.isPopularNetwork(key) ? settings.popular.factor : 1;
    const { each, free, max } = settings.newNetworks;
    return finding(
      Math.min(max, each * (weight - free) * novelty),
      () =>
        `${networks.size} unfamiliar networks within a day: ${fewOf([...networks.values()].map((login) => networkText(login, names)))}`,
    );
  },
};
