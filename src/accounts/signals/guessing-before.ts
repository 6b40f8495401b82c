// The password was guessed at before somebody knew it.

import { finding, type Signal } from "../signal.ts";

export const guessingBefore: Signal = {
  name: "guessing_before",
  about: "deeds",
  help: "Several addresses had failed on the account before it was entered from an unfamiliar network.",
  judge({ unfamiliar, settings }) {
    let addresses = 0;
    for (const login of unfamiliar) addresses = Math.max(addresses, login.guessedFrom);
    if (addresses < settings.guessingBefore.addresses) return undefined;
    return finding(
      settings.guessingBefore.points,
      () => `${addresses} addresses had failed on this account before a login from an unfamiliar network`,
    );
  },
};
