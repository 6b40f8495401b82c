// The address that comes in has been trying other people's passwords.

import { finding, type Signal } from "../signal.ts";

export const knownGuesser: Signal = {
  name: "known_guesser",
  about: "deeds",
  help: "A login from an address of an unfamiliar network that failed on several other accounts, and is friend to few.",
  judge({ unfamiliar, settings }) {
    let accounts = 0;
    for (const login of unfamiliar) accounts = Math.max(accounts, login.guessedAccounts);
    if (accounts === 0) return undefined;
    return finding(settings.knownGuesser.points, () => `its address had failed on ${accounts} other accounts`);
  },
};
