// What the configuration says to the rules: read at start, at SIGHUP and by `check-config`, so that all three find the same mistakes.

import { readAliases } from "../config/aliases.ts";
import type { ReadConfig } from "../config/config.ts";
import { Accounts } from "../core/account.ts";
import { Problem } from "../core/problem.ts";
import type { CompileOptions } from "./compiled-rules.ts";
import { parseSpec } from "./match/parse.ts";

/** Throws a Problem or Problems: `[policy] internal` that is no expression, an aliases file with mistakes or none. */
export function readCompileOptions(read: ReadConfig): CompileOptions {
  const { mode, internal, on_error, time_zone } = read.config.policy;
  const { default_domain, aliases, watch_group, mode: watching } = read.config.accounts;
  checkInternal(internal, read.placeOf("policy.internal"));
  const accounts = new Accounts({ defaultDomain: default_domain, aliases: readAliases(aliases) });
  const watchGroup = watching === "enforce" ? watch_group : undefined;
  const canonical = (login: string) => accounts.canonical(login);
  return { mode, internal, onError: on_error, timeZone: time_zone, watchGroup, canonical };
}

/** Groups come and go with the rules, so one that does not exist is no mistake here: then nobody is internal. */
function checkInternal(text: string, where: string): void {
  if (text === "") return;
  const spec = parseSpec(text, "destination");
  if (spec.ok) return;
  throw new Problem(`policy.internal: ${spec.message}`, { code: "config/bad-value", where, hint: spec.hint });
}
