// What Dovecot is told when it asks about a login, by what is in memory: bans and watches. It never waits for the store.

/** `[accounts.auth_policy]`. */
export interface AdviceSettings {
  /** Record only: every answer lets through. */
  readonly pilot: boolean;
  readonly refuse_banned: boolean;
  /** Seconds that a login of an account under watch waits, before its password is looked at. */
  readonly watch_delay: number;
  readonly refuse_high: boolean;
  readonly message: string;
}

export interface AdviceParts {
  /** Read for every question: it may change while we run. */
  readonly settings: () => AdviceSettings;
  isBanned(address: string): boolean;
  /** The level at which the account is under watch; undefined when it is not. */
  levelOf(login: string): string | undefined;
}

export interface Advice {
  /** Below nought refuses, nought lets through, above waits that many seconds. */
  readonly status: number;
  readonly msg: string;
}

const pass: Advice = { status: 0, msg: "" };

export function adviseLogin({ settings, isBanned, levelOf }: AdviceParts, login: string, address: string): Advice {
  const { pilot, refuse_banned, watch_delay, refuse_high, message } = settings();
  if (pilot) return pass;
  if (refuse_banned && isBanned(address)) return { status: -1, msg: message };
  const level = levelOf(login);
  if (level === undefined) return pass;
  if (refuse_high && level === "high") return { status: -1, msg: message };
  return watch_delay > 0 ? { status: watch_delay, msg: "" } : pass;
}
