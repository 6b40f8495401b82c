// Accounts as the API shows them: the judge's view beside what the store knows of watches, marks, freezes and containments.

import type { AccountView, UseView } from "../accounts/account-view.ts";
import type { LevelChange } from "../accounts/judge.ts";
import { findLevels, type LevelRow } from "../store/account-levels.ts";
import { type AccountMark, readMarkRows } from "../store/account-marks.ts";
import { findContainment } from "../store/containments.ts";
import { findFreeze } from "../store/freezes.ts";
import { findPause, findWatch, type Watch } from "../store/watches.ts";
import type { AccountShown, StepShown, WatchShown } from "./contract-accounts.ts";
import type { ApiParts } from "./parts.ts";
import { isoTime } from "./trail-view.ts";

const levelsShown = 20;

/** Everything that is known of an account; `known` is false when that is nothing of the judge's. */
export async function readAccount(parts: ApiParts, account: string): Promise<AccountShown> {
  const { store, accounts } = parts;
  const db = store.facts;
  // Without the logs thread what is on disk is told all the same.
  const view = await accounts.view(account).catch(() => undefined);
  const [watch, pause, freeze] = [
    await findWatch(db, account),
    await findPause(db, account),
    await findFreeze(db, account),
  ];
  const containment = await findContainment(db, account);
  const now = parts.clock.now();
  return {
    ...{ account, mode: accounts.mode, watch_group: accounts.watchGroup },
    ...judged(view),
    levels: (await findLevels(store, account, levelsShown)).map(levelOf),
    marks: (await readMarkRows(db, account)).map(markOf),
    watch: watch === undefined ? null : watchOf(watch),
    watch_pause: pause === undefined || pause.until <= now ? null : { until: isoTime(pause.until), by: pause.by },
    frozen: freeze === undefined ? null : { since: isoTime(freeze.since), by: freeze.by, text: freeze.text },
    contained:
      containment === undefined || containment.releasedAt > 0
        ? null
        : { at: isoTime(containment.at), by: containment.by, steps: containment.steps as StepShown[] },
  };
}

function judged(view: AccountView | undefined) {
  return {
    known: view !== undefined,
    level: view?.level ?? ("calm" as const),
    level_at: view === undefined || view.levelAt === 0 ? null : isoTime(view.levelAt),
    watch_ends_at: view?.watchEndsAt === undefined ? null : isoTime(view.watchEndsAt),
    score: view?.score ?? 0,
    signals: (view?.signals ?? []).map((signal) => ({ ...signal })),
    learning: view?.learning ?? true,
    exempt: view?.exempt ?? false,
    first_at: view === undefined ? null : isoTime(view.firstAt),
    seen_at: view === undefined ? null : isoTime(view.seenAt),
    logins: view?.logins ?? 0,
    usual_recipients: view?.usualRecipients ?? null,
    networks: (view?.networks ?? []).map(useOf),
    countries: (view?.countries ?? []).map(useOf),
    recent: (view?.recent ?? []).map((login) => ({
      ...{ ...login, at: isoTime(login.at) },
      registered: login.registered === undefined || login.registered === "" ? null : login.registered,
    })),
  };
}

function useOf({ name, country, firstAt, lastAt, calmDays, familiar }: UseView) {
  const days = { first_at: isoTime(firstAt), last_at: isoTime(lastAt), calm_days: calmDays };
  return { name, country, ...days, familiar };
}

export function watchOf({ since, until, origin, reason, by }: Watch): WatchShown {
  return { since: isoTime(since), until: until === 0 ? null : isoTime(until), origin, reason, by };
}

function levelOf({ at, level, score, body }: LevelRow): AccountShown["levels"][number] {
  const { signals } = parseChange(body);
  return { at: isoTime(at), level: level as AccountShown["level"], score, signals: signals.map((one) => ({ ...one })) };
}

/** What the judge wrote; a body of another version has no signals. */
export function parseChange(body: string): Pick<LevelChange, "signals" | "logins"> {
  try {
    const { signals = [], logins = [] } = JSON.parse(body) as Partial<LevelChange>;
    return { signals, logins };
  } catch {
    return { signals: [], logins: [] };
  }
}

export function markOf(mark: AccountMark): AccountShown["marks"][number] {
  const { id, account, kind, value, from, until, note, at, by } = mark;
  return {
    ...{ id, account, value, note, by, at: isoTime(at), kind: kind as AccountShown["marks"][number]["kind"] },
    ...{ from: from === 0 ? null : isoTime(from), until: until === 0 ? null : isoTime(until) },
  };
}
