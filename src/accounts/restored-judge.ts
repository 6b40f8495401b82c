// A judge as it stood: from the histories on disk, and what was told since they were written.

import { Accounts } from "../core/account.ts";
import type { AccountsStart, AccountsWrite } from "./accounts-words.ts";
import { type AccountAct, isPastText, replayEvents } from "./event-record.ts";
import { Judge, type LevelChange, type NetworkFinder } from "./judge.ts";
import { type Mark, readMarks } from "./marks.ts";
import { PastJudge } from "./past-judge.ts";
import type { QueuedMail } from "./sent-queue.ts";

/** `onChange` hears nothing of what came of the events: that was written with them. */
export function restoreJudge(
  start: AccountsStart,
  networks: NetworkFinder,
  onChange: (change: LevelChange) => void,
  past?: PastJudge,
): Judge {
  const accounts = new Accounts(start.accounts);
  let isRestored = false;
  const judge = new Judge({
    ...{ settings: start.settings, accounts, networks, folds: true },
    onChange: (change) => isRestored && onChange(change),
  });
  const { book, queue, site } = judge;
  for (const row of start.histories) book.load(row);
  useMarks(judge, start.marks);
  for (const { account, level } of start.histories) if (level !== "calm") judge.resume(account);
  if (start.site !== undefined) site.restore(start.site);
  for (const { queueId, account: name, at, counted } of start.queue) {
    const account = book.find(name);
    if (account === undefined) continue;
    const mail = account.mails.find((one) => one.queueId === queueId);
    queue.add(queueId, { account, mail, counted, at } satisfies QueuedMail);
  }
  for (const text of start.events) {
    if (isPastText(text)) past?.replay(text);
    else replayEvents(text, judge, (act) => doAct(judge, act));
  }
  isRestored = true;
  return judge;
}

/** For what old logs tell. */
export function createPast({ settings, accounts }: AccountsStart, networks: NetworkFinder): PastJudge {
  return new PastJudge(
    () => new Judge({ settings, accounts: new Accounts(accounts), networks, folds: true, onChange: () => undefined }),
  );
}

export function useMarks(judge: Judge, marks: readonly Mark[]): void {
  const { byAccount, site } = readMarks(marks);
  judge.book.useMarks(byAccount, site);
}

export function doAct(judge: Judge, { act, account, at }: AccountAct): void {
  switch (act) {
    case "reset":
      judge.reset(account, at);
      return;
    case "erase":
      judge.erase(account);
      return;
    case "marks":
      if (account !== "") judge.judgeAgain(account, at);
      return;
    default:
      act satisfies never;
  }
}

/** What changed since the last one, for the disk. `sequence`: what was told up to here is in it. */
export function checkpointOf(
  judge: Judge,
  at: number,
  sequence: number,
): Extract<AccountsWrite, { readonly kind: "checkpoint" }> {
  const { changed, gone } = judge.book.takeChanges();
  const queue = judge.queue.takeChanges().map(([queueId, { account, at: sentAt, counted }]) => {
    return { queueId, account: account.name, at: sentAt, counted };
  });
  return { kind: "checkpoint", at, sequence, histories: changed, gone, queue, site: judge.site.print() };
}
