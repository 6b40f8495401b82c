// The bridge to everything else: an Apprise API server (`…/notify/KEY`) knows a hundred services.

import type { Channel, ChannelSettings, Message } from "../channel.ts";
import { post } from "../http-post.ts";

const types: Readonly<Record<Message["severity"], string>> = { info: "info", warning: "warning", critical: "failure" };

export function appriseChannel({ url = "", allow_private }: ChannelSettings): Channel {
  return {
    send: ({ title, body, severity }) =>
      post({
        url,
        body: JSON.stringify({ title, body, type: types[severity], format: "text" }),
        allowPrivate: allow_private,
      }),
  };
}
