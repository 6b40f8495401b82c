// The contract of a way out. A channel is one file in channels/ and one line in its index.

import type { Config } from "../config/config.ts";
import type { StoredNotice } from "../store/notices.ts";

export type ChannelSettings = Config["notices"]["channels"][number];

/** One message: a notice, or several in a digest. Texts are plain; a channel that has markup escapes it. */
export interface Message {
  /** The same for every try: for receivers that leave out what they have. */
  readonly id: string;
  readonly title: string;
  /** Lines with LF. */
  readonly body: string;
  readonly severity: "info" | "warning" | "critical";
  readonly notices: readonly StoredNotice[];
}

export interface Channel {
  /** Resolves when the receiver has taken the message; rejects with why not. */
  send(message: Message): Promise<void>;
}
