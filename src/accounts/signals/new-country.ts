// A country that the account has not used on calm days.

import { networkText } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const newCountry: Signal = {
  name: "first_seen_country",
  about: "whereabouts",
  help: "A login from an unfamiliar country.",
  judge({ countries, settings, names, novelty }) {
    const [login] = countries.values();
    if (login === undefined) return undefined;
    return finding(settings.newCountry.points * novelty, () => `an unfamiliar country: ${networkText(login, names)}`);
  },
};
