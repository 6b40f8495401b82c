// A message in a Matrix room. The transaction id is the message's, so that a second try is no second message (client-server API, 9).

import type { Channel, ChannelSettings } from "../channel.ts";
import { post } from "../http-post.ts";

export function matrixChannel({ url = "", token = "", room = "", allow_private }: ChannelSettings): Channel {
  return {
    send: ({ id, title, body }) => {
      const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/${encodeURIComponent(id)}`;
      return post({
        url: new URL(path, url).href,
        method: "PUT",
        body: JSON.stringify({ msgtype: "m.text", body: `${title}\n${body}` }),
        allowPrivate: allow_private,
        headers: { authorization: `Bearer ${token}` },
      });
    },
  };
}
