// Builds all parts, joins them, starts them, stops them. No logic: what a part does is told in its own room.

import { readAccountsSettings } from "./accounts/accounts-settings.ts";
import { ControlServer } from "./api/control-server.ts";
import type { ApiParts, Reload } from "./api/parts.ts";
import { PolicyMeasures } from "./api/policy-measures.ts";
import { PublicServer } from "./api/public-server.ts";
import type { ReadConfig } from "./config/config.ts";
import { settingsToRestart } from "./config/restart.ts";
import { Metrics } from "./core/metrics.ts";
import { holdYoungGeneration } from "./core/young-generation.ts";
import {
  addGauges,
  createAccounts,
  createAuthPolicy,
  createContainment,
  createEngine,
  createFail2banLog,
  createJails,
  createLogsThread,
  createOutbox,
  createPolicyServer,
  type DaemonOptions,
  hearAsked,
  viewJails,
  viewLogs,
} from "./daemon-parts.ts";
import { openDaemonStore } from "./daemon-store.ts";
import { startLogs, startUpkeep } from "./daemon-upkeep.ts";
import { joinHelper } from "./helper-role.ts";
import type { Fail2banLog } from "./jails/fail2ban-client/fail2ban-log.ts";
import type { JailOwner } from "./jails/jail-owner.ts";
import { LogSilence } from "./logs/log-silence.ts";
import type { LogsThread } from "./logs/logs-thread.ts";
import type { Outbox } from "./notify/outbox.ts";
import { readTemplates } from "./notify/templates.ts";
import { readCompileOptions } from "./policy/compile-options.ts";
import { LiveRules } from "./policy/live-rules.ts";
import { Raises } from "./policy/raises.ts";
import { readRulesFile } from "./policy/rules-reader.ts";
import { readRaises } from "./store/raises.ts";

/** A running daemon. Disposing answers the questions that are running, writes what is open, and stops (≤ 10 s). */
export interface Daemon extends AsyncDisposable {
  /** Where Postfix may ask: `address:port`, or a path. */
  readonly policyAddresses: readonly string[];
  readonly apiAddress: string;
  /** SIGHUP: takes what may change in flight; a broken configuration changes nothing. */
  reload(): Reload;
}

const stopMs = 100;

/** Starts everything, or nothing: throws Problem or Problems and leaves nothing behind. */
export async function startDaemon(read: ReadConfig, options: DaemonOptions): Promise<Daemon> {
  holdYoungGeneration();
  await using stack = new AsyncDisposableStack();
  const { clock, store: opening } = options.opening ?? openDaemonStore(read, options.log, options.clock);
  const live = { read, reload: undefined as Reload | undefined };
  const store = stack.use(await opening);
  const compileOptions = readCompileOptions(read);
  const metrics = new Metrics();
  const measures = new PolicyMeasures(metrics);
  const raises = new Raises();
  const reloadRaises = async () => raises.use(await readRaises(store, clock.now()));
  await reloadRaises();
  const rules = await LiveRules.read(store, compileOptions);
  const outbox = createOutbox(read, options, store, clock);
  const { banning, helper } = joinHelper(stack, { config: read.config, store, clock, log: options.log });
  const engine = createEngine({ read, store, clock, options, rules, raises, measures, outbox, banning });
  await engine.restore();
  store.changes.onChange((fact) =>
    fact === "raises" ? reloadRaises() : fact === "rules" ? rules.reload() : undefined,
  );
  const accounts = createAccounts({ live, options, store, clock, isReading: () => logs.isRunning });
  const { sessions, onAsked } = hearAsked({ accounts, rules, clock, isJudged: () => logs.isConfigured });
  const server = stack.use(createPolicyServer({ read, options, engine, measures, onAsked }));
  const jails = createJails({ read, options, store, clock, trust: banning.trust });
  const fail2banLog = stack.use(createFail2banLog({ read, options, store, clock }, jails));
  const logs = stack.use(createLogsThread({ read, options, store, clock, jails, accounts }));
  jails.use((question) => logs.ask(jails.name, question));
  accounts.use((question) => logs.ask(accounts.name, question));
  const authPolicy = await createAuthPolicy({ live, store, clock, rules, banning, accounts });
  const silence = new LogSilence(options.log, clock.now(), (notice) => outbox.say(notice));
  const parts: ApiParts = {
    ...{ version: options.version, node: read.config.node.name, startedAt: clock.now(), clock, log: options.log },
    ...{ store, engine, raises, metrics, measures, answerOk: read.config.policy.answer_ok },
    canonical: (login) => rules.options.canonical(login),
    readRules: (text, file, known) => readRulesFile(text, file, known, options.workerEntry),
    get mode() {
      return rules.options.mode;
    },
    policyServer: () => server.stats(),
    logs: () => viewLogs(logs, silence),
    ...{ accounts, outbox, banning, authPolicy, stop: stopSoon, replays: logs },
    jails: viewJails(read, logs, jails, fail2banLog),
    containment: createContainment({ read, options, store, clock, banning, sessions, helper }, accounts),
    lastReload: () => live.reload,
    whyNotReady: () => (store.cells.health.writable ? [] : ["the store cannot be written"]),
  };
  addGauges(metrics, parts);
  const control = stack.use(new ControlServer(parts, read.config.control.socket));
  const api = stack.use(new PublicServer(parts, read.config.api.listen));
  await banning.start();
  await server.start();
  await control.start();
  await api.start();
  await fail2banLog?.start();
  await startLogs(stack, { live, options, store, clock, logs, accounts });
  stack.defer(store.changes.onChange((fact) => jails.hear(fact)));
  startUpkeep(stack, { ...parts, live, options, engine, measures, outbox, banning, accounts, logs, silence, jails });
  const kept = stack.move();
  return {
    policyAddresses: server.addresses,
    apiAddress: api.address,
    reload: () => (live.reload = reload({ live, options, rules, logs, jails, outbox, fail2banLog, now: clock.now() })),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** As systemd would: whoever runs us hears the same signal. The answer to who asked leaves first. */
function stopSoon(): void {
  setTimeout(() => process.kill(process.pid, "SIGTERM"), stopMs);
}

interface ReloadInput {
  readonly live: { read: ReadConfig };
  readonly options: DaemonOptions;
  readonly rules: LiveRules;
  readonly logs: LogsThread;
  readonly jails: JailOwner;
  readonly fail2banLog: Fail2banLog | undefined;
  readonly outbox: Outbox;
  readonly now: number;
}

/** Takes the configuration again. What cannot change in flight keeps its value and is named in the log. */
function reload({ live, options, rules, logs, jails, outbox, fail2banLog, now }: ReloadInput): Reload {
  fail2banLog?.reopen();
  try {
    const read = options.readAgain();
    // What SIGHUP may change in flight; everything else needs a restart.
    readAccountsSettings(read);
    const [templates, compile] = [readTemplates(live.read.config.notices.templates), readCompileOptions(read)];
    outbox.useTemplates(templates);
    rules.configure(compile);
    logs.use(jails.withLogs(read.config.logs));
    const waiting = settingsToRestart(live.read.config, read.config);
    live.read = read;
    options.log.info("reloaded", { needs_restart: waiting.join(",") || undefined });
    return { at: now, ok: true, error: undefined };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    options.log.error("reload_failed", { kept: "the running configuration", error: message });
    return { at: now, ok: false, error: message };
  }
}
