// Logins from rented servers: people sit behind access networks, scripts sit there.

import { fewOf, networkText } from "../evidence.ts";
import { finding, type Signal } from "../signal.ts";

export const hostingNetwork: Signal = {
  name: "hosting_network",
  about: "deeds",
  help: "Unfamiliar networks of rented servers and VPN exits.",
  judge({ networks, settings, names, novelty }) {
    const hosting = [...networks.values()].filter((login) => login.from.kind === "hosting");
    const { each, max } = settings.hosting;
    return finding(
      Math.min(max, each * hosting.length) * novelty,
      () => `rented servers: ${fewOf(hosting.map((login) => networkText(login, names)))}`,
    );
  },
};
