// Bought and made-up addresses bounce; people one writes to do not.

import { finding, type Signal } from "../signal.ts";

export const bounceRatio: Signal = {
  name: "bounce_ratio",
  about: "deeds",
  help: "Many of the recipients mailed from unfamiliar networks do not exist.",
  judge({ account, mails, settings }) {
    let recipients = 0;
    let bounced = 0;
    for (const mail of mails) {
      recipients += mail.recipients;
      bounced += mail.bounced;
    }
    if (bounced === 0) return undefined;
    const { bounces } = settings;
    const chance = chanceOf(bounced, recipients * account.usualBounceShare(bounces.usual));
    const because = () => `${bounced} of ${recipients} recipients mailed from unfamiliar networks bounced`;
    if (bounced >= bounces.manyCount && chance <= bounces.manyChance) return finding(bounces.many, because);
    if (bounced >= bounces.severalCount && chance <= bounces.severalChance) return finding(bounces.several, because);
    if (bounced >= bounces.someCount && chance <= bounces.someChance) return finding(bounces.some, because);
    return undefined;
  },
};

/** The chance of `count` or more where `expected` is the mean: the tail of Poisson's distribution. */
function chanceOf(count: number, expected: number): number {
  let term = Math.exp(-expected);
  let below = 0;
  for (let k = 0; k < count; k++) {
    below += term;
    term *= expected / (k + 1);
  }
  // The difference from one loses its digits where the tail is thin: there its first term is near enough.
  return Math.max(1 - below, term);
}
