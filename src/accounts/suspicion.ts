// From a score to a level. Up at once; down only after a long quiet, so that an account does not flutter in and out of watch.

import { type AccountHistory, type Level, levels } from "./account-history.ts";
import type { JudgeSettings } from "./judge-settings.ts";

/** A score that has faded this far is none. */
const faintest = 0.5;

/** The level that `score` alone would give. */
function levelOf(score: number, settings: JudgeSettings): Level {
  if (score >= settings.levels.high) return "high";
  if (score >= settings.levels.watch) return "watch";
  return score >= settings.levels.notice ? "notice" : "calm";
}

/**
 * Puts `score` into the account at `at`; true when its level changed. `freshAt` is when the last of its evidence came in. The score
 * shown fades by half each half-life.
 */
export function changeLevel(
  account: AccountHistory,
  { at, score, freshAt }: { readonly at: number; readonly score: number; readonly freshAt: number },
  settings: JudgeSettings,
): boolean {
  const { below, halfLifeMs } = settings.leave;
  const faded = account.score * 2 ** (-Math.max(0, at - account.scoreAt) / halfLifeMs);
  account.score = Math.max(score, faded < faintest ? 0 : faded);
  account.scoreAt = at;
  const level = levelOf(account.score, settings);
  const isRestricted = isWatch(level) || isWatch(account.level);
  if (isRestricted && account.score >= below) account.loudAt = at;
  if (!isRestricted && score >= settings.levels.notice) account.loudAt = Math.max(account.loudAt, freshAt);
  // What a notice that lapsed has told of is not told again: it takes something fresh.
  const isTold = account.level === "calm" && level === "notice" && freshAt < account.levelAt;
  if (levels.indexOf(level) > levels.indexOf(account.level) && !isTold) {
    if (isWatch(level) && !isWatch(account.level))
      account.isBack = account.leftWatchAt > 0 && at - account.leftWatchAt <= settings.leave.againMs;
    account.level = level;
    account.levelAt = at;
    account.alarmedToday = true;
    return true;
  }
  if (!isOver(account, at, settings)) return false;
  if (isWatch(account.level)) account.leftWatchAt = at;
  account.level = "calm";
  account.levelAt = at;
  account.score = score;
  return true;
}

/**
 * A notice ends when there was nothing fresh to tell for a while; a watch when all was quiet for long, and for longer when the account
 * had left one shortly before.
 */
function isOver(account: AccountHistory, at: number, { leave }: JudgeSettings): boolean {
  if (account.level === "calm") return false;
  if (account.level === "notice") return at - account.loudAt >= leave.noticeMs;
  const times = account.isBack ? leave.againTimes : 1;
  return at - account.loudAt >= leave.quietMs * times && at - account.levelAt >= leave.stayMs * times;
}

/** When an account leaves its watch by itself, if nothing more happens; undefined when it is in none. */
export function watchEndsAt(account: AccountHistory, { leave }: JudgeSettings): number | undefined {
  if (!isWatch(account.level)) return undefined;
  const times = account.isBack ? leave.againTimes : 1;
  // The score fades by half each half-life, and is loud until it is below the limit.
  const fadingMs = leave.halfLifeMs * Math.max(0, Math.log2(account.score / Math.max(leave.below, faintest)));
  const quietAt = Math.max(account.loudAt, account.scoreAt + fadingMs);
  return Math.max(quietAt + leave.quietMs * times, account.levelAt + leave.stayMs * times);
}

/** The levels at which an account is restricted. */
export function isWatch(level: Level): boolean {
  return level === "watch" || level === "high";
}
