// Every way out by its kind. Adding one is one file and one line here, and its settings in config/notice-section.

import type { ChannelKind } from "../../config/notice-section.ts";
import type { Clock } from "../../core/clock.ts";
import type { Channel, ChannelSettings } from "../channel.ts";
import { appriseChannel } from "./apprise.ts";
import { mailChannel } from "./mail.ts";
import { matrixChannel } from "./matrix.ts";
import { ntfyChannel } from "./ntfy.ts";
import { slackChannel } from "./slack.ts";
import { telegramChannel } from "./telegram.ts";
import { webhookChannel } from "./webhook.ts";

const creators: Readonly<Record<ChannelKind, (settings: ChannelSettings, clock: Clock) => Channel>> = {
  mail: mailChannel,
  webhook: webhookChannel,
  ntfy: ntfyChannel,
  telegram: telegramChannel,
  slack: slackChannel,
  mattermost: slackChannel,
  matrix: matrixChannel,
  apprise: appriseChannel,
};

export function createChannel(settings: ChannelSettings, clock: Clock): Channel {
  return creators[settings.kind](settings, clock);
}
