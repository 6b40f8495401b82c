// Notices by mail. By `sendmail` a message comes to Postfix through its pickup service, about which no policy service is asked: our
// own quotas cannot stop it. By SMTP they can, unless a rule lets it pass.

import { hostname } from "node:os";
import type { Channel, ChannelSettings, Message } from "../channel.ts";
import { isMailAddress } from "../mail-address.ts";

const timeoutMs = 30_000;

export function mailChannel({ to = [], owner, from, sendmail = "/usr/sbin/sendmail", smtp }: ChannelSettings): Channel {
  const sender = from ?? `postmaster@${hostname()}`;
  return {
    send: async (message) => {
      const { createTransport } = await import("nodemailer");
      const transport =
        smtp === undefined
          ? createTransport({ sendmail: true, path: sendmail, newline: "unix" })
          : createTransport({
              url: smtp,
              connectionTimeout: timeoutMs,
              greetingTimeout: timeoutMs,
              socketTimeout: timeoutMs,
            });
      try {
        await transport.sendMail({
          from: { name: "Postvarta", address: sender },
          to: owner === true ? ownersOf(message) : [...to],
          subject: message.title,
          text: `${message.body}\n`,
          messageId: `<${message.id}@${sender.split("@").at(-1)}>`,
          headers: headersOf(message),
          // Nothing in a notice is fetched or read from a file.
          disableFileAccess: true,
          disableUrlAccess: true,
        });
      } finally {
        transport.close();
      }
    },
  };
}

/** One message is about one account. */
function ownersOf({ notices }: Message): string[] {
  const [account = ""] = notices.map(({ subject }) => subject);
  if (isMailAddress(account)) return [account];
  throw new Error("the account is no address that mail can be sent to");
}

/** RFC 3834: no automatic answer to an automatic message. */
function headersOf({ severity }: Message): Record<string, string> {
  return { "Auto-Submitted": "auto-generated", ...(severity === "critical" ? { Importance: "high" } : {}) };
}
