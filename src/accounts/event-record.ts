// What the judge was told, as it lies on disk until the histories it changed are there too.

import { draftMailEvent, type MailEvent } from "../core/event.ts";
import type { AskedLogin, Judge } from "./judge.ts";

/** A mail event, or a login that Postfix asked about. */
export type JudgedEvent =
  | { readonly kind: "mail"; readonly event: MailEvent }
  | { readonly kind: "asked"; readonly login: AskedLogin };

/** Before events that a replay of old logs told. */
const pastMark = -20;

export function isPastText(text: string): boolean {
  return text.startsWith(`[[${pastMark}]`);
}

/** What a person did to what is known of an account. */
export interface AccountAct {
  readonly act: "reset" | "erase" | "marks";
  readonly account: string;
  /** ms since the epoch. */
  readonly at: number;
}

const acts = ["reset", "erase", "marks"] as const;
/** Acts are numbered downwards from here. */
const firstAct = -10;

const kinds = ["login", "auth_failure", "queued", "bounced"] as const;

/** Only what the judge reads. */
export function printEvents(events: readonly JudgedEvent[], isPast = false): string {
  return JSON.stringify([...(isPast ? [[pastMark]] : []), ...events.map(printEvent)]);
}

function printEvent(one: JudgedEvent): readonly unknown[] {
  if (one.kind === "asked") {
    const { at, ip, user, method, by, failed } = one.login;
    return [-1, at, ip, user, method, by === "auth" ? 1 : 0, failed ? 1 : 0];
  }
  const { kind, at, ip, user, method, queueId, source, sender, recipients, sizeBytes } = one.event;
  const index = (kinds as readonly string[]).indexOf(kind);
  return kind === "queued"
    ? [index, at, queueId, sender, recipients, sizeBytes]
    : kind === "bounced"
      ? [index, at, queueId]
      : [index, at, ip, user, method, queueId, source === "postfix" ? 1 : 0];
}

export function isMarksAct(text: string): boolean {
  return text.startsWith(`[[${firstAct - acts.indexOf("marks")},`);
}

export function printAct({ act, account, at }: AccountAct): string {
  return JSON.stringify([[firstAct - acts.indexOf(act), at, account]]);
}

/** Shows recorded events to the judge once more, in their order. What cannot be read is left out. */
export function replayEvents(text: string, judge: Judge, onAct: (act: AccountAct) => void = () => {}): void {
  for (const [kind, at, ...rest] of JSON.parse(text) as [number, number, ...unknown[]][]) {
    const act = acts[firstAct - kind];
    if (act !== undefined) {
      onAct({ act, at, account: String(rest[0]) });
      continue;
    }
    if (kind === -1) {
      const [ip, user, method, isAuth, failed] = rest as [string | null, string | null, string | null, number, number];
      judge.seeAsked({ at, ip, user, method, by: isAuth === 1 ? "auth" : "asked", failed: failed === 1 });
      continue;
    }
    const name = kinds[kind];
    if (name !== undefined) judge.see(parseMail(name, at, rest));
  }
}

function parseMail(kind: (typeof kinds)[number], at: number, rest: readonly unknown[]): MailEvent {
  if (kind === "queued") {
    const [queueId, sender, recipients, sizeBytes] = rest as [string, string | null, number | null, number | null];
    return { ...draftMailEvent(kind, "postfix", ""), at, queueId, sender, recipients, sizeBytes };
  }
  if (kind === "bounced") return { ...draftMailEvent(kind, "postfix", ""), at, queueId: String(rest[0]) };
  const [ip, user, method, queueId, isPostfix] = rest as [string, string, string | null, string | null, number];
  return { ...draftMailEvent(kind, isPostfix === 1 ? "postfix" : "dovecot", ""), at, ip, user, method, queueId };
}
