// Which bans should keep packets away: a line of such an address is a leak. Our own answers, and a dry run, let the packets come.

import type { Config } from "../config/config.ts";
import type { Ban } from "../core/ban.ts";
import type { JailAction } from "./fail2ban/action-reader.ts";
import type { JailDefinition } from "./fail2ban/jail-reader.ts";
import { isNative } from "./firewalls/index.ts";

type Jails = Pick<Config["jails"], "mode" | "firewall" | "action">;

/** `definitions`: the jails of the Fail2ban configuration that run. */
export function heldBans(jails: Jails, definitions: readonly JailDefinition[]): (ban: Ban) => boolean {
  const { mode, firewall, action } = jails;
  const withActions = definitions.filter(({ actions }) => actions.length > 0);
  const keeping = new Map(withActions.map(({ name, actions }) => [name, actions.some(keepsAway)]));
  return ({ enforce, origin, jail }) => {
    // Where jails only observe, bans of a contained account stand all the same.
    if (!enforce || (mode !== "enforce" && origin !== "account")) return false;
    return isNative(firewall) || (firewall === "command" && (keeping.get(jail) ?? action !== ""));
  };
}

/** What has nothing to take back when a ban ends only tells of it. */
function keepsAway({ commands }: JailAction): boolean {
  return commands.inet4.ban !== undefined && commands.inet4.unban !== undefined;
}
