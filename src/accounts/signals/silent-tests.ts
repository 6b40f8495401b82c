// A login that sends nothing: whoever bought a password tries it first. Only Dovecot's reports show it; Postfix logs a name with mail.

import { fewOf, networkText } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const silentTests: Signal = {
  name: "silent_tests",
  about: "whereabouts",
  help: "Logins from unfamiliar networks that Dovecot reports and that send nothing; needs its auth-policy requests.",
  judge({ networks, settings, names, novelty }) {
    const silent = [...networks.values()].filter((login) => login.asked === "auth");
    const points = silent.length === 0 ? 0 : settings.silentTests.points * novelty;
    return finding(
      points,
      () => `a login without mail from ${fewOf(silent.map((login) => networkText(login, names)))}`,
    );
  },
};
