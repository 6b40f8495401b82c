// More recipients from unfamiliar networks than the account ever mails in a day.

import { finding, type Signal } from "../signal.ts";

export const recipientBurst: Signal = {
  name: "recipient_burst",
  about: "deeds",
  help: "More recipients in a day from unfamiliar networks than the account usually mails.",
  judge({ account, mails, settings, learning, novelty, at }) {
    let recipients = 0;
    for (const mail of mails) if (at - mail.at <= settings.loginWindowMs) recipients += mail.recipients;
    const burst = settings.recipientBurst;
    if (recipients <= burst.softMin) return undefined;
    const usual = account.usualRecipients();
    const known = usual ?? burst.usual;
    const because = () =>
      `${recipients} recipients from unfamiliar networks within a day; usual are ${usual ?? "unknown"}`;
    if (recipients > Math.max(burst.min, burst.times * known)) return finding(burst.points * novelty, because);
    if (!learning && recipients > Math.max(burst.softMin, burst.softTimes * known)) {
      return finding(burst.softPoints, because);
    }
    return undefined;
  },
};
