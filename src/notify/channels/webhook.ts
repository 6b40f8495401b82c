// Notices as JSON for a program. With a secret each is signed over time and body, so that a receiver can tell ours from others' and
// from old ones: `t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 of `SECONDS.BODY`.

import { createHmac } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Channel, ChannelSettings, Message } from "../channel.ts";
import { post } from "../http-post.ts";

export function webhookChannel({ url = "", secret, allow_private }: ChannelSettings, clock: Clock): Channel {
  return {
    send: (message) => {
      const body = webhookBody(message);
      const signed = secret === undefined ? {} : { "x-postvarta-signature": signatureOf(body, secret, clock.now()) };
      return post({ url, body, allowPrivate: allow_private, headers: { "idempotency-key": message.id, ...signed } });
    },
  };
}

function webhookBody({ id, title, body, notices }: Message): string {
  const items = notices.map(({ id, kind, severity, subject, at, facts }) => {
    return { id, kind, severity, subject, at: new Date(at).toISOString(), facts };
  });
  return JSON.stringify({ id, title, text: body, notices: items });
}

/** `nowMs`: ms since the epoch. */
function signatureOf(body: string, secret: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
}
