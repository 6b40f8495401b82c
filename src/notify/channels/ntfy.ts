// ntfy.sh or one's own ntfy: published as JSON at the root, so that no text stands in a header.

import type { Channel, ChannelSettings, Message } from "../channel.ts";
import { post } from "../http-post.ts";

const priorities: Readonly<Record<Message["severity"], number>> = { info: 2, warning: 4, critical: 5 };

export function ntfyChannel({ url = "", token, allow_private }: ChannelSettings): Channel {
  const target = new URL(url);
  const topic = target.pathname.split("/").findLast((part) => part !== "") ?? "";
  target.pathname = target.pathname.slice(0, target.pathname.lastIndexOf(topic));
  return {
    send: ({ title, body, severity }) =>
      post({
        url: target.href,
        body: JSON.stringify({
          topic: decodeURIComponent(topic),
          title,
          message: body,
          priority: priorities[severity],
        }),
        allowPrivate: allow_private,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      }),
  };
}
