// Mail programs keep their way of logging in; a script has its own.

import { finding, type Signal } from "../signal.ts";

export const newMechanism: Signal = {
  name: "new_mechanism",
  about: "deeds",
  help: "A SASL mechanism, from an unfamiliar network, that the account has never used on a calm day.",
  judge({ account, unfamiliar, settings, novelty }) {
    const { points, loginsMin } = settings.newMechanism;
    if (account.logins < loginsMin) return undefined;
    if (!account.mechanisms.some((use) => use.calmDays > 0)) return undefined;
    const strange = unfamiliar.some((login) => login.mechanismUse !== undefined && login.mechanismUse.calmDays === 0);
    return strange
      ? finding(points * novelty, () => "a way of logging in that the account does not use elsewhere")
      : undefined;
  },
};
