// One login that is told of more than once: by Postfix's question and by its log, by Dovecot in several lines.

import type { MailEvent } from "../core/event.ts";
import type { AccountHistory, Login } from "./account-history.ts";

/** A question of Postfix and the line of its log tell of one login within this time. */
export const askedMs = 120_000;

/** The login that a question told of, when the log tells of it now. */
export function findAsked(
  account: AccountHistory,
  line: number,
  { at, queueId, source }: MailEvent,
): Login | undefined {
  if (queueId === null && source === "postfix") return undefined;
  // Looking into a mailbox is no mail.
  const fits = (login: Login) => login.asked === "asked" || (login.asked === "auth" && queueId !== null);
  return account.recent.findLast(
    (login) => fits(login) && login.from.line === line && Math.abs(at - login.at) <= askedMs,
  );
}

/** Dovecot tells of one login in several lines of the same second. */
export function isRepeated(account: AccountHistory, login: Login): boolean {
  const last = account.recent.at(-1);
  return last !== undefined && last.at === login.at && last.from.line === login.from.line;
}
