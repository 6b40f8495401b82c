// What answers Dovecot is made of: the settings, the bans and watches in memory, and the judge that hears of logins.

import type { AccountsOwner } from "../accounts/accounts-owner.ts";
import { adviseLogin } from "../accounts/login-advice.ts";
import type { WatchLevels } from "../accounts/watch-levels.ts";
import type { Config } from "../config/config.ts";
import type { BanLookup } from "../core/ban.ts";
import type { Clock } from "../core/clock.ts";
import { parseIp } from "../core/ip.ts";
import type { AuthPolicyParts } from "./auth-policy.ts";

export interface AuthPolicyInput {
  /** As the configuration says at the moment. */
  readonly settings: () => Config["accounts"]["auth_policy"];
  readonly bans: BanLookup;
  readonly levels: WatchLevels;
  readonly accounts: AccountsOwner;
  readonly clock: Clock;
}

/** Undefined where it is not enabled. */
export function authPolicyParts({
  settings,
  bans,
  levels,
  accounts,
  clock,
}: AuthPolicyInput): AuthPolicyParts | undefined {
  const { enabled, key } = settings();
  if (!enabled) return undefined;
  const isBanned = (address: string) => {
    const ip = parseIp(address);
    return ip !== undefined && bans.find(ip, 0, clock.now())?.enforce === true;
  };
  const advice = { settings, isBanned, levelOf: (login: string) => levels.levelOf(login) };
  return {
    key: key === "" ? undefined : key,
    advise: (login, address) => adviseLogin(advice, login, address),
    report: (report) => accounts.seeReport(report),
  };
}
