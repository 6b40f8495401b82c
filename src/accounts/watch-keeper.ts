// From levels to watches: an account at level watch joins the watch group, one that is calm again leaves it. What a person decided
// holds, and too many at once are taken for a fault of ours rather than for a break-in everywhere.

import type { Transaction } from "kysely";
import type { Notice } from "../core/notice.ts";
import { addLevel, countRisen } from "../store/account-levels.ts";
import { addNotices } from "../store/notices.ts";
import type { Tables } from "../store/tables.ts";
import { dropWatch, findPause, findWatch, putWatch } from "../store/watches.ts";
import type { LevelChange } from "./judge.ts";

/** The site breaker: more accounts than this within an hour, or than this share of all, but never so few as `fewest`. */
export interface BreakerLimits {
  readonly accounts: number;
  readonly share: number;
}

const breakerMs = 3_600_000;
const fewest = 5;
/** What old lines say is told, and no reason to restrict anybody today. */
const oldMs = 86_400_000;

/** What was done with a change, for the log. */
export interface Kept {
  readonly change: LevelChange;
  readonly outcome: "watched" | "watched_already" | "ended" | "paused" | "breaker" | "old" | "noted";
}

export interface KeepParts {
  readonly now: number;
  readonly breaker: BreakerLimits;
  /** `observe`: watches are written, and no group changes. */
  readonly mode: "enforce" | "observe";
}

/** Writes levels, watches and notices inside the caller's transaction; returns what was done with each change. */
export async function keepWatches(
  tx: Transaction<Tables>,
  changes: readonly LevelChange[],
  parts: KeepParts,
): Promise<readonly Kept[]> {
  for (const change of changes) {
    const { account, at, level, score } = change;
    await addLevel(tx, { account, at, level, score, body: JSON.stringify(change) });
  }
  const tripped = await isTripped(tx, changes, parts.breaker);
  const kept: Kept[] = [];
  for (const change of changes) kept.push({ change, outcome: await keepOne(tx, change, parts, tripped) });
  const notices = kept.flatMap((one) => noticeOf(one, parts));
  const [firstRefused] = kept.filter(({ outcome }) => outcome === "breaker");
  if (firstRefused !== undefined) notices.push(breakerNotice(firstRefused, kept, parts));
  await addNotices(tx, notices);
  return kept;
}

async function keepOne(
  tx: Transaction<Tables>,
  change: LevelChange,
  { now }: KeepParts,
  tripped: boolean,
): Promise<Kept["outcome"]> {
  const { account, level, at } = change;
  const watch = await findWatch(tx, account);
  if (level === "calm") {
    if (watch?.origin !== "judge") return "noted";
    return (await dropWatch(tx, account)) ? "ended" : "noted";
  }
  if (level === "notice") return "noted";
  if (watch !== undefined) {
    if (watch.origin === "judge" && watch.level !== level) await putWatch(tx, { ...watch, level });
    return "watched_already";
  }
  if (at < now - oldMs) return "old";
  const pause = await findPause(tx, account);
  if (pause !== undefined && pause.until > now && level !== "high") return "paused";
  if (tripped) return "breaker";
  const reason = reasonOf(change);
  const body = JSON.stringify(change);
  await putWatch(tx, { account, since: at, until: 0, level, origin: "judge", reason, body, by: "judge" });
  return "watched";
}

/** The signals in the order of their weight, as one sentence. */
export function reasonOf({ signals }: LevelChange): string {
  return [...signals]
    .sort((a, b) => b.points - a.points)
    .map(({ name, points, because }) => `${name} ${points}: ${because}`)
    .join("; ");
}

async function isTripped(
  tx: Transaction<Tables>,
  changes: readonly LevelChange[],
  breaker: BreakerLimits,
): Promise<boolean> {
  const rising = changes.filter(({ level }) => level === "watch" || level === "high");
  const last = Math.max(...rising.map(({ at }) => at));
  if (rising.length === 0) return false;
  const risen = await countRisen(tx, last - breakerMs, ["watch", "high"]);
  if (risen <= fewest) return false;
  if (risen > breaker.accounts) return true;
  const row = await tx
    .selectFrom("account_histories")
    .select((eb) => eb.fn.countAll<number>().as("accounts"))
    .executeTakeFirst();
  return risen > Number(row?.accounts ?? 0) * breaker.share && Number(row?.accounts ?? 0) > 0;
}

function noticeOf({ change, outcome }: Kept, { mode }: KeepParts): Notice[] {
  const { account, at, level, score, networks, countries } = change;
  if (outcome === "old" || outcome === "breaker") return [];
  const facts = {
    ...{ level, score: String(score), networks: String(networks), countries: String(countries) },
    because: reasonOf(change),
    addresses: change.logins.map(({ at: when, ip, network }) => `${isoTime(when)} ${ip} ${network}`).join("; "),
    ...(mode === "observe" ? { next: "observed only: no group was changed" } : {}),
  };
  const told = { subject: account, at, facts };
  switch (level) {
    case "high":
      return [{ kind: "account_high", severity: "critical", ...told }];
    case "watch":
      return [{ kind: "account_watch", severity: "warning", ...told }];
    case "notice":
      return [{ kind: "account_notice", severity: "info", ...told }];
    case "calm":
      return outcome === "ended" ? [{ kind: "account_calm", severity: "info", ...told }] : [];
    default:
      return level satisfies never;
  }
}

function breakerNotice({ change }: Kept, kept: readonly Kept[], { breaker }: KeepParts): Notice {
  const names = kept.filter(({ outcome }) => outcome === "breaker").map((one) => one.change.account);
  return {
    ...{ kind: "watch_breaker", severity: "critical", subject: "watch", at: change.at },
    facts: { count: String(names.length), account: names.slice(0, 10).join(", "), limit: String(breaker.accounts) },
  };
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
