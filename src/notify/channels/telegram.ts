// A Telegram bot's message: plain text, without a parse mode, so that nothing in it is markup.

import type { Channel, ChannelSettings } from "../channel.ts";
import { post } from "../http-post.ts";

/** sendMessage takes 4096 characters. */
const textMax = 4_000;

export function telegramChannel({
  url = "https://api.telegram.org",
  token = "",
  chat = "",
  allow_private,
}: ChannelSettings): Channel {
  return {
    send: async ({ title, body }) => {
      const text = `${title}\n\n${body}`.slice(0, textMax);
      const target = new URL(`/bot${token}/sendMessage`, url).href;
      const message = { chat_id: chat, text, link_preview_options: { is_disabled: true } };
      try {
        await post({ url: target, body: JSON.stringify(message), allowPrivate: allow_private });
      } catch (error) {
        // What is told of a failure stands in lists; the token must not.
        throw new Error(String(error instanceof Error ? error.message : error).replaceAll(token, "…"));
      }
    },
  };
}
