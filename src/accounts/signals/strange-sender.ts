// Mail in other names than the account's usual ones.

import { finding, type Signal } from "../signal.ts";

export const strangeSender: Signal = {
  name: "strange_sender",
  about: "deeds",
  help: "Envelope senders, from unfamiliar networks, that the account has never used on a calm day.",
  judge({ account, mails, settings, novelty }) {
    if (!account.senders.some((use) => use.calmDays > 0)) return undefined;
    const senders = new Set<number>();
    for (const mail of mails) if (mail.sender?.calmDays === 0) senders.add(mail.sender.key);
    if (senders.size === 0) return undefined;
    const { points, several, severalPoints } = settings.strangeSender;
    return finding(
      (senders.size >= several ? severalPoints : points) * novelty,
      () => `${senders.size} envelope senders that the account does not use elsewhere`,
    );
  },
};
