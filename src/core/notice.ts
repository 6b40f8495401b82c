// A notice: something that somebody should hear of. Plain data; how it is worded and sent is told in notify/.

/** Every kind of notice. `test` is sent by hand only. */
export const noticeKinds = [
  "account_notice",
  "account_watch",
  "account_high",
  "account_calm",
  "account_contained",
  "account_released",
  "watch_breaker",
  "ban",
  "ban_leak",
  "firewall_failing",
  "logs_silent",
  "logs_failing",
  "auth_down",
  "quota_stage",
  "test",
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** In rising order. critical breaks quiet hours. */
export const severities = ["info", "warning", "critical"] as const;
export type Severity = (typeof severities)[number];

export interface Notice {
  readonly kind: NoticeKind;
  readonly severity: Severity;
  /** What it is about: an account, an address, a log. Hostile text, as it came. */
  readonly subject: string;
  /** ms since the epoch. */
  readonly at: number;
  /** Label → value, in the order in which they are shown. Labels are snake_case and known to notify/texts; values are hostile text. */
  readonly facts: Readonly<Record<string, string>>;
}

/** True when `severity` is at least `floor`. */
export function isAtLeast(severity: Severity, floor: Severity): boolean {
  return severities.indexOf(severity) >= severities.indexOf(floor);
}
