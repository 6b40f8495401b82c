// Incoming webhooks of Slack and Mattermost. `&<>` are escaped as both ask; what would call a whole channel by name is broken up.

import type { Channel, ChannelSettings } from "../channel.ts";
import { post } from "../http-post.ts";

export function slackChannel({ url = "", allow_private }: ChannelSettings): Channel {
  return {
    send: ({ title, body }) =>
      post({ url, body: JSON.stringify({ text: escaped(`${title}\n${body}`) }), allowPrivate: allow_private }),
  };
}

function escaped(text: string): string {
  const plain = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return plain.replace(/@(?=channel\b|here\b|all\b|everyone\b)/gi, "@\u200b");
}
