// What falls due in the daemon whether somebody asks or not.

import type { AccountsOwner } from "./accounts/accounts-owner.ts";
import type { ContainmentKeeper } from "./accounts/contain/containment-keeper.ts";
import type { PolicyMeasures } from "./api/policy-measures.ts";
import type { Config, ReadConfig } from "./config/config.ts";
import type { Clock } from "./core/clock.ts";
import type { Log } from "./core/log.ts";
import type { DaemonOptions } from "./daemon-parts.ts";
import type { Banning } from "./jails/banning.ts";
import type { JailOwner } from "./jails/jail-owner.ts";
import { AuthWatch } from "./logs/auth-watch.ts";
import { FirstReplay } from "./logs/first-replay.ts";
import type { LogSilence } from "./logs/log-silence.ts";
import type { LogsThread } from "./logs/logs-thread.ts";
import type { Outbox } from "./notify/outbox.ts";
import type { PolicyEngine } from "./policy/engine.ts";
import { pruneLevels } from "./store/account-levels.ts";
import { pruneAudit } from "./store/audit.ts";
import type { Store } from "./store/db.ts";
import { pruneDecisions } from "./store/decisions.ts";
import { pruneRaises } from "./store/raises.ts";
import { pruneWatches } from "./store/watches.ts";

const sweepMs = 5_000;
const bansMs = 1_000;
const outboxMs = 2_000;
const judgeMs = 500;
const pruneMs = 3_600_000;
const silenceMs = 10_000;
const dayMs = 86_400_000;
const accountsKeptDays = 180;
const watchesMs = 30_000;

interface UpkeepInput {
  readonly live: { readonly read: ReadConfig };
  readonly options: DaemonOptions;
  readonly store: Store;
  readonly clock: Clock;
  readonly logs: LogsThread;
  readonly silence: LogSilence;
  readonly measures: PolicyMeasures;
  readonly outbox: Outbox;
  readonly engine: PolicyEngine;
  readonly jails: JailOwner;
  readonly accounts: AccountsOwner;
  readonly containment: ContainmentKeeper;
  readonly banning: Banning;
}

/** What falls due whether somebody asks or not. */
export function startUpkeep(stack: AsyncDisposableStack, input: UpkeepInput): void {
  const { live, options, store, clock, logs, measures, outbox, engine, jails, banning, accounts } = input;
  const authWatch = new AuthWatch(options.log, (notice) => outbox.say(notice));
  const watchLogs = async () => {
    if (!logs.isConfigured) return;
    input.silence.look({ ...logs.state, asked: measures.asked }, clock.now());
    authWatch.look(logs.state.counts, clock.now());
  };
  stack.defer(every(silenceMs, options.log, watchLogs));
  stack.defer(every(bansMs, options.log, () => banning.due()));
  stack.defer(every(judgeMs, options.log, () => accounts.work()));
  stack.defer(() => accounts.leave());
  stack.defer(every(pruneMs, options.log, () => accounts.prune(clock.now())));
  stack.defer(every(sweepMs, options.log, () => input.containment.work()));
  stack.defer(every(pruneMs, options.log, () => input.containment.prune(clock.now())));
  stack.defer(every(outboxMs, options.log, () => outbox.work()));
  stack.defer(every(sweepMs, options.log, () => engine.sweep(clock.now())));
  stack.defer(every(watchesMs, options.log, () => pruneWatches(store, clock.now())));
  stack.defer(every(pruneMs, options.log, () => prune(store, live.read.config, clock.now())));
  stack.defer(every(pruneMs, options.log, () => jails.prune(clock.now())));
  stack.defer(every(pruneMs, options.log, () => banning.prune(clock.now())));
  stack.defer(every(pruneMs, options.log, () => outbox.prune()));
}

type LogsStart = Pick<UpkeepInput, "live" | "options" | "store" | "clock" | "logs" | "accounts">;

/** Starts to read logs, and at the very first start the older ones too. */
export async function startLogs(stack: AsyncDisposableStack, input: LogsStart): Promise<void> {
  const { live, options, store, clock, logs, accounts } = input;
  const { config } = live.read;
  const { replay_days: days, replay_mbytes: megabytes } = config.accounts;
  const first = new FirstReplay({
    ...{ store, clock, days, settings: config.logs, node: config.node.name, log: options.log, replays: logs },
    ...{ bytesMax: megabytes * 1024 * 1024, isCold: () => accounts.isCold() },
  });
  if (logs.isConfigured) await first.plan();
  await logs.start();
  stack.defer(every(outboxMs, options.log, () => first.work()));
}

async function prune(store: Store, config: Config, now: number): Promise<void> {
  const { keep_decisions, keep_decisions_days } = config.policy;
  await pruneDecisions(store, { before: now - keep_decisions_days * dayMs, keep: keep_decisions });
  await pruneRaises(store, now);
  await pruneAudit(store);
  await pruneLevels(store, now - accountsKeptDays * dayMs);
}

/** Runs `work` every `ms`, never twice at a time; what it throws is logged. Returns the way to stop. */
function every(ms: number, log: Log, work: () => Promise<unknown>): () => void {
  let running = false;
  const timer = setInterval(async () => {
    if (running) return;
    running = true;
    await work().catch((error: unknown) => log.error("upkeep_failed", { error: String(error) }));
    running = false;
  }, ms);
  return () => clearInterval(timer);
}
