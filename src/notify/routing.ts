// Which channels a notice goes to, and when: rules, quiet hours, digests. Pure.

import type { Config } from "../config/config.ts";
import { isAtLeast, type Notice } from "../core/notice.ts";
import { nextAt, quietUntil } from "./day-time.ts";
import { isMailAddress } from "./mail-address.ts";
import { ownerKinds } from "./owner-texts.ts";

type NoticeSettings = Config["notices"];

export interface Way {
  readonly channel: string;
  /** digest: together with what else waits for the channel. */
  readonly state: "waiting" | "digest";
  /** ms since the epoch. */
  readonly dueAt: number;
}

/** At most one way a channel; at once beats a digest. */
export function waysOf(notice: Notice, settings: NoticeSettings, zone: string, now: number): readonly Way[] {
  const quiet = settings.quiet === undefined ? undefined : quietUntil(now, settings.quiet, zone);
  const ways = new Map<string, Way>();
  for (const { channel, digest } of chosen(notice, settings)) {
    const atOnce = notice.severity === "critical" || (!digest && quiet === undefined);
    if (atOnce) ways.set(channel, { channel, state: "waiting", dueAt: now });
    else if (ways.get(channel)?.state !== "waiting") {
      const dueAt = digest ? nextAt(now, settings.digest_at, zone) : (quiet ?? now);
      ways.set(channel, { channel, state: "digest", dueAt });
    }
  }
  return [...ways.values()];
}

function chosen(notice: Notice, settings: NoticeSettings): readonly { channel: string; digest: boolean }[] {
  const owners = new Set(settings.channels.filter(({ owner }) => owner === true).map(({ name }) => name));
  const isOwners = ownerKinds.some((kind) => kind === notice.kind) && isMailAddress(notice.subject);
  return wanted(notice, settings).filter(({ channel }) => isOwners || !owners.has(channel));
}

/** What goes to an owner when nobody says otherwise: that something happened to the account, not that we suspect something. */
const ownersHear: ReadonlySet<string> = new Set(["account_contained", "account_released"]);

function wanted(notice: Notice, { rules, channels }: NoticeSettings): readonly { channel: string; digest: boolean }[] {
  if (rules.length === 0) {
    const isWorse = isAtLeast(notice.severity, "warning");
    const hearing = channels.filter(({ owner }) => (owner === true ? ownersHear.has(notice.kind) : isWorse));
    return hearing.map(({ name }) => ({ channel: name, digest: false }));
  }
  const fitting = rules.filter(
    ({ kinds, severity }) =>
      (kinds.length === 0 || kinds.includes(notice.kind)) && isAtLeast(notice.severity, severity),
  );
  return fitting.flatMap((rule) => rule.channels.map((channel) => ({ channel, digest: rule.digest })));
}
