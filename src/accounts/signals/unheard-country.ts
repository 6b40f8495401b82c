// Countries from which nobody of the site has ever logged in on a calm day: the attackers' world is larger than ours.

import { fewOf } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const unheardCountry: Signal = {
  name: "unheard_country",
  about: "whereabouts",
  help: "Countries from which no account of the site logs in.",
  judge({ unheard, settings, novelty }) {
    const { each, max } = settings.unheardCountry;
    return finding(
      Math.min(max, each * unheard.length) * novelty,
      () => `countries that no other account uses: ${fewOf(unheard, 8)}`,
    );
  },
};
