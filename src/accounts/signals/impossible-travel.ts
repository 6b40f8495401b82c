// Two logins one after the other from different countries, too soon to have travelled.

import { isAbroad } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

const minuteMs = 60_000;

export const impossibleTravel: Signal = {
  name: "impossible_travel",
  about: "whereabouts",
  help: "Consecutive logins in different countries, one of them unfamiliar, sooner than anybody travels.",
  judge({ account, logins, countries, settings, site, novelty }) {
    if (countries.size === 0) return undefined;
    const { withinMs, first, eachHop, oneCountryMax, eachCountry, max } = settings.impossibleTravel;
    const hopsTo = new Set<string>();
    let hops = 0;
    let shortestMs = withinMs;
    let last = undefined as (typeof logins)[number] | undefined;
    for (const login of logins) {
      if (login.from.kind !== "access" || login.from.country === "") continue;
      if (last !== undefined && last.from.country !== login.from.country && login.at - last.at < withinMs) {
        const strange = [last, login].filter((one) => isAbroad(account, one, settings, site));
        for (const one of strange) hopsTo.add(one.from.country);
        if (strange.length > 0) {
          hops++;
          shortestMs = Math.min(shortestMs, login.at - last.at);
        }
      }
      last = login;
    }
    if (hops === 0) return undefined;
    const points =
      hopsTo.size < 2
        ? Math.min(oneCountryMax, first + eachHop * hops)
        : Math.min(max, eachCountry * (hopsTo.size - 1));
    return finding(
      points * novelty,
      () =>
        `${hops} changes of country too fast to travel (${[...hopsTo].join(", ")}), one within ${Math.ceil(shortestMs / minuteMs)} min`,
    );
  },
};
