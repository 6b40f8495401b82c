// From a score to a level. Up at once; down only after a long quiet, so that an account does not flutter in and out of watch.

import { type AccountHistory, type Level, levels } from "./account-history.ts";
import type { JudgeSettings } from "./judge-settings.ts";

/** The level that `score` alone would give. */
function levelOf(score: number, settings: JudgeSettings): Level {
  if (score >= settings.levels.high) return "high";
  if (score >= settings.levels.watch) return "watch";
  return score >= settings.levels.notice ? "notice" : "calm";
}

/** Puts `score` into the account at `at`; true when its level changed. The score shown fades by half each half-life. */
export function changeLevel(account: AccountHistory, at: number, score: number, settings: JudgeSettings): boolean {
  const { below, quietMs, stayMs, halfLifeMs } = settings.leave;
  const faded = account.score * 2 ** (-Math.max(0, at - account.scoreAt) / halfLifeMs);
  account.score = Math.max(score, faded);
  account.scoreAt = at;
  if (account.score >= below) account.loudAt = at;
  const level = levelOf(account.score, settings);
  if (levels.indexOf(level) > levels.indexOf(account.level)) {
    account.level = level;
    account.levelAt = at;
    account.alarmedToday = true;
    return true;
  }
  if (account.level === "calm" || at - account.loudAt < quietMs || at - account.levelAt < stayMs) return false;
  account.level = "calm";
  account.levelAt = at;
  return true;
}
