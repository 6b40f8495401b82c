// Bought and made-up addresses bounce; people one writes to do not.

import { finding, type Signal } from "../signal.ts";

export const bounceRatio: Signal = {
  name: "bounce_ratio",
  about: "deeds",
  help: "Many of the recipients mailed from unfamiliar networks do not exist.",
  judge({ mails, settings }) {
    let recipients = 0;
    let bounced = 0;
    for (const mail of mails) {
      recipients += mail.recipients;
      bounced += mail.bounced;
    }
    if (bounced === 0) return undefined;
    const { count, share, points, softCount, softShare, softPoints } = settings.bounces;
    const because = () => `${bounced} of ${recipients} recipients mailed from unfamiliar networks bounced`;
    if (bounced >= count && bounced >= recipients * share) return finding(points, because);
    if (bounced >= softCount && bounced >= recipients * softShare) return finding(softPoints, because);
    return undefined;
  },
};
