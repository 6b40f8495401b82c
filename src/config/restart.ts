// What SIGHUP cannot change while the daemon runs: sockets, the store, threads.

import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";

const restartKeys: Readonly<Record<string, (config: Config) => unknown>> = {
  "policy.listen": (config) => config.policy.listen,
  "policy.allow": (config) => config.policy.allow,
  "policy.answer_ok": (config) => config.policy.answer_ok,
  "policy.cluebringer_log": (config) => config.policy.cluebringer_log,
  node: (config) => config.node,
  store: (config) => config.store,
  api: (config) => config.api,
  control: (config) => config.control,
  "accounts.auth_policy.enabled": (config) => config.accounts.auth_policy.enabled,
  "accounts.auth_policy.key": (config) => config.accounts.auth_policy.key,
  networks: (config) => config.networks,
  notices: (config) => config.notices,
  jails: (config) => config.jails,
  helper: (config) => config.helper,
  postfix: (config) => config.postfix,
  "accounts.dovecot_config": (config) => config.accounts.dovecot_config,
  "accounts.judge": (config) => config.accounts.judge,
};

/** The settings that differ and stay as they are until a restart. */
export function settingsToRestart(running: Config, read: Config): readonly string[] {
  const changed = Object.entries(restartKeys).filter(([, pick]) => !isDeepStrictEqual(pick(running), pick(read)));
  return changed.map(([name]) => name);
}
