// Mail events: what one line of Postfix or Dovecot says, as plain data. Made in logs/mail; jails and accounts live on them.

/** Every kind of mail event; the first four are what a reader looks for unless told otherwise. */
export const mailKinds = [
  "login",
  "auth_failure",
  "rate_limit",
  "reject",
  "queued",
  "sent",
  "bounced",
  "deferred",
] as const;
export type MailKind = (typeof mailKinds)[number];

export const defaultMailKinds: readonly MailKind[] = ["login", "auth_failure", "rate_limit", "reject"];

/** Who wrote the line. One wrong password is told by `dovecot-auth` and again by the daemon the client talks to. */
export type MailSource = "postfix" | "dovecot" | "dovecot-auth";

/** What one line says. Texts are as logged, hostile and untouched; the address went through core/ip. */
export interface MailEvent {
  readonly kind: MailKind;
  readonly source: MailSource;
  /** Milliseconds since the Unix epoch, as the line's own time stamp says. */
  readonly at: number;
  /** The line's number in its file, counting LF bytes from 1. */
  readonly line: number;
  /** The connecting client in canonical text; null where the kind has none (queued, sent, bounced, deferred). */
  readonly ip: string | null;
  /** The login name as logged; null when the line has none. */
  readonly user: string | null;
  /** The SASL mechanism as logged. */
  readonly method: string | null;
  readonly queueId: string | null;
  /** Why: the reply of a reject, the reason of a failure, the remote answer of a delivery. */
  readonly reason: string | null;
  /** The service: `submission`, `imap`, otherwise the daemon's name. */
  readonly service: string;
  /** Attempts that this line sums up (Dovecot tells several in one line); 1 otherwise. */
  readonly attempts: number;
  /** Seconds that those attempts took; 0 when the line does not say. */
  readonly overSeconds: number;
  readonly sender: string | null;
  readonly recipient: string | null;
  /** Recipients and bytes of a queued message. */
  readonly recipients: number | null;
  readonly sizeBytes: number | null;
}

/** An event while it is being read. */
export type MailEventDraft = { -readonly [K in keyof MailEvent]: MailEvent[K] };

/** An event of this kind that says nothing else yet; time and line are filled in by the reader. */
export function draftMailEvent(kind: MailKind, source: MailSource, service: string): MailEventDraft {
  return {
    kind,
    source,
    at: 0,
    line: 0,
    ip: null,
    user: null,
    method: null,
    queueId: null,
    reason: null,
    service,
    attempts: 1,
    overSeconds: 0,
    sender: null,
    recipient: null,
    recipients: null,
    sizeBytes: null,
  };
}
