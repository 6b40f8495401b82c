// One text to many people: messages of nearly the same size.

import { finding, type Signal } from "../signal.ts";

export const sameSize: Signal = {
  name: "same_size",
  about: "deeds",
  help: "Several messages of nearly one size from unfamiliar networks.",
  judge({ mails, settings, novelty }) {
    const { within, some, many, eachMails, points, manyPoints } = settings.sameSize;
    if (mails.length < some) return undefined;
    const sizes = mails.map((mail) => mail.sizeBytes).sort((a, b) => a - b);
    let most = 0;
    let size = 0;
    for (let from = 0, to = 0; to < sizes.length; to++) {
      while ((sizes[to] ?? 0) > (sizes[from] ?? 0) * (1 + within)) from++;
      if (to - from + 1 <= most) continue;
      most = to - from + 1;
      size = sizes[from] ?? 0;
    }
    // The more messages there are, the more of them are alike by chance.
    const chance = Math.floor(mails.length / eachMails);
    if (most < some + chance || size === 0) return undefined;
    return finding(
      (most >= many + chance ? manyPoints : points) * novelty,
      () => `${most} messages of about ${size} bytes from unfamiliar networks`,
    );
  },
};
