// The owner sits at one address before and after a login from another country: nobody's journey looks like that. Roaming does not
// either, because a phone that comes back has another address.

import { fewOf } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const twoPlaces: Signal = {
  name: "two_places",
  about: "deeds",
  help: "A login from an unfamiliar country between two logins from one and the same address.",
  judge({ account, settings }) {
    const { crossings } = account;
    if (crossings.length === 0) return undefined;
    const { first, each, max } = settings.twoPlaces;
    return finding(
      Math.min(max, first + each * (crossings.length - 1)),
      () =>
        `${crossings.length} logins from abroad while the usual address was in use before and after: ${fewOf([...new Set(crossings.map((crossing) => crossing.country))])}`,
    );
  },
};
