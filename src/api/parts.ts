// What the API needs of the daemon: one narrow interface, so that a test and the daemon fill it the same way.
// Rules and raises are changed in the store, which tells whoever holds them compiled: `store.changes` has the joins.

import type { AccountsOwner } from "../accounts/accounts-owner.ts";
import type { ContainmentKeeper } from "../accounts/contain/containment-keeper.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Mode } from "../core/rules.ts";
import type { Banning } from "../jails/banning.ts";
import type { Fail2banLog } from "../jails/fail2ban-client/fail2ban-log.ts";
import type { JailFacts } from "../jails/fail2ban-client/jail-facts.ts";
import type { FailingId, JailsReport } from "../jails/jail-words.ts";
import type { LogsState, LogsThread } from "../logs/logs-thread.ts";
import type { Outbox } from "../notify/outbox.ts";
import type { PolicyEngine } from "../policy/engine.ts";
import type { Raises } from "../policy/raises.ts";
import type { ParsedRules } from "../policy/rules-file.ts";
import type { KnownGroup } from "../policy/rules-groups.ts";
import type { PolicyServerStats } from "../policy/server.ts";
import type { Store } from "../store/db.ts";
import type { AuthPolicyParts } from "./auth-policy.ts";
import type { PolicyMeasures } from "./policy-measures.ts";

export interface ApiParts {
  readonly version: string;
  /** `[node] name`. */
  readonly node: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly engine: Pick<PolicyEngine, "rehearse" | "stats" | "rules">;
  readonly raises: Raises;
  readonly canonical: (login: string) => string;
  /** The rules of a policies file, beside groups that stay. Throws Problems. */
  readRules(text: string, file: string, known: readonly KnownGroup[]): Promise<ParsedRules>;
  /** `[policy] mode` and `answer_ok`. */
  readonly mode: Mode;
  readonly answerOk: boolean;
  readonly metrics: Metrics;
  readonly measures: PolicyMeasures;
  /** What the policy server counts: connections, and requests that it could not read. */
  policyServer(): PolicyServerStats;
  /** How reading of logs stands; undefined when none is configured. */
  logs(): LogsView | undefined;
  readonly accounts: AccountsDoor;
  readonly containment: ContainmentKeeper;
  /** Who is banned, who is trusted, and how the firewall stands. */
  readonly banning: Pick<Banning, "trust" | "enforces" | "flush" | "state" | "states" | "isVerified">;
  /** Ends the daemon soon after the answer has left. */
  stop(): void;
  /** Dovecot's auth-policy requests; undefined where they are not answered. */
  readonly authPolicy: AuthPolicyParts | undefined;
  readonly outbox: Pick<Outbox, "channels" | "test">;
  /** Replays of old logs. */
  readonly replays: Pick<LogsThread, "replay" | "replayed" | "stopReplay">;
  readonly jails: JailsView;
  /** The last reading of the configuration (SIGHUP); undefined before the first. */
  lastReload(): Reload | undefined;
  /** Why the daemon should get no questions yet, one sentence each; empty when it is ready. */
  whyNotReady(): readonly string[];
}

/** Accounts: the judge's side, and `[accounts] mode` and `watch_group` as they stand. */
export interface AccountsDoor
  extends Pick<AccountsOwner, "view" | "queueOf" | "marksChanged" | "reset" | "erase" | "isShared"> {
  readonly mode: Mode;
  readonly watchGroup: string;
}

export interface JailsView {
  /** `[jails] mode`. */
  readonly mode: Mode;
  /** undefined while no jail runs. */
  report(): JailsReport | undefined;
  /** Who fails just now in a jail, at most `limit` (≤ 500). */
  failing(jail: string, limit: number): Promise<readonly FailingId[]>;
  /** The log in Fail2ban's form, where one is written. */
  readonly log: Pick<Fail2banLog, "path" | "reopen"> | undefined;
  /** A jail's settings and files in the words of Fail2ban. */
  client(jail: string): Pick<JailFacts, "settings" | "files">;
}

export interface LogsView extends LogsState {
  /** Postfix asks, and its log is silent. */
  readonly isSilent: boolean;
}

export interface Reload {
  /** ms since the epoch. */
  readonly at: number;
  readonly ok: boolean;
  readonly error: string | undefined;
}
