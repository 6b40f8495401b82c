// Somebody is at work from elsewhere while the owner sleeps. A traveller's clock may differ, so a journey could explain it.

import { networkText } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const sleepingHours: Signal = {
  name: "sleeping_hours",
  about: "whereabouts",
  help: "A login, from an unfamiliar network that few others of the site use, at a time of day at which the account is never used.",
  judge({ account, unfamiliar, settings, site, names, novelty }) {
    const { share, loginsMin, points } = settings.sleepingHours;
    const login = unfamiliar.findLast(
      ({ at, from }) => !site.isPopularNetwork(from.network) && account.shareOfHour(at, loginsMin) < share,
    );
    if (login === undefined) return undefined;
    return finding(
      points * novelty,
      () => `at an hour at which the account is never used: ${networkText(login, names)}`,
    );
  },
};
