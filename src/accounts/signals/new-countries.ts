// Several countries in a day that neither the account nor the site usually logs in from.

import { fewOf } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const newCountries: Signal = {
  name: "new_countries",
  about: "whereabouts",
  help: "Several unfamiliar countries within a day, rented servers and satellites left out.",
  judge({ countries, settings, learning, novelty }) {
    const { each, free, max } = settings.newCountries;
    const points = each * (countries.size - free) - (learning ? each : 0) * (1 - novelty);
    return finding(
      Math.min(max, points),
      () => `${countries.size} unfamiliar countries within a day: ${fewOf([...countries.keys()], 8)}`,
    );
  },
};
